"""Does not let itself be cancelled, and goes on for as long as its request says."""

import asyncio
import time

from luna_lambda_tools import StandaloneLambdaRequest, logger


async def main(request: StandaloneLambdaRequest) -> dict:
    logger.info("begun")
    end = time.monotonic() + request.json["seconds"]
    while time.monotonic() < end:
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            logger.info("cancelled")
    logger.info("ended")
    return {"result": "late"}
