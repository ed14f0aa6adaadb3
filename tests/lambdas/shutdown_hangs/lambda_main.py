"""Never finishes its onShutdown."""

import asyncio

from luna_lambda_tools import StandaloneLambdaRequest, logger


class UserCtx:
    async def onShutdown(self):
        logger.info("shutdown begun")
        await asyncio.sleep(3600)


async def main(request: StandaloneLambdaRequest) -> dict:
    return {"result": "ok"}
