"""Blocks its loop in onShutdown."""

import time

from luna_lambda_tools import StandaloneLambdaRequest, logger


class UserCtx:
    async def onShutdown(self):
        logger.info("shutdown begun")
        time.sleep(3600)


async def main(request: StandaloneLambdaRequest) -> dict:
    return {"result": "ok"}
