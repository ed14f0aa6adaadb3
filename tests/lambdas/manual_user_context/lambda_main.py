from luna_lambda_tools import StandaloneLambdaRequest


class UserCtx:
    def __init__(self):
        self.value = 0

    async def onStart(self):
        self.value = 1

    async def onShutdown(self):
        self.value = 0

    def getValue(self):
        return self.value


async def main(request: StandaloneLambdaRequest) -> dict:
    return {"result": request.userCtx.getValue()}
