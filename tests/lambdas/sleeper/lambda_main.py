"""Sleeps as long as its request says, and logs how it began and how it ended."""

import asyncio
import os

from luna_lambda_tools import StandaloneLambdaRequest, logger


class UserCtx:
    async def onShutdown(self):
        logger.info("shutdown")


async def main(request: StandaloneLambdaRequest) -> dict:
    order = request.json
    logger.info("begun")
    try:
        await asyncio.sleep(order.get("seconds", 0))
    except asyncio.CancelledError:
        logger.info("cancelled")
        raise
    logger.info("ended")
    return {"name": order.get("name"), "pid": os.getpid()}
