"""Fails in its onShutdown."""

from luna_lambda_tools import StandaloneLambdaRequest


class UserCtx:
    async def onShutdown(self):
        raise RuntimeError("cannot let go")


async def main(request: StandaloneLambdaRequest) -> dict:
    return {"result": "ok"}
