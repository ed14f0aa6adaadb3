from luna_lambda_tools import StandaloneLambdaRequest

async def main(request: StandaloneLambdaRequest) -> dict:
    request.logger.info(f"events enabled: {request.eventsEnabled}")
    request.logger.info(f"sender enabled: {request.senderEnabled}")
    request.logger.info(f"handlers enabled: {request.handlersEnabled}")
    ...
