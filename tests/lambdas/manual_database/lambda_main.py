from luna_lambda_tools import logger

def setupDB():
    ...

def closeDBConnections():
    ...

class UserCtx:
    async def onStart(self):
        logger.info("start lambda")
        setupDB()

    async def onShutdown(self):
        logger.info("shutdown lambda")
        closeDBConnections()


# The manual shows only the context; a lambda has a main as well.
async def main(request):
    return {"result": "empty"}
