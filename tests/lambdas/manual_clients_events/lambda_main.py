from luna_lambda_tools import StandaloneLambdaRequest

async def main(request: StandaloneLambdaRequest) -> dict:
    if request.eventsEnabled:
        request.clients.events.saveEvents(events=[...])
    return {"status": "success"}
