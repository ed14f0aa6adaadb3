"""Answers when the file that its request names exists, and kills its own process soon after that."""

import asyncio
import os
import signal

from luna_lambda_tools import StandaloneLambdaRequest, logger


async def main(request: StandaloneLambdaRequest) -> dict:
    logger.info("begun")
    while not os.path.exists(request.json["file"]):
        await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGKILL)
    return {"result": "done"}
