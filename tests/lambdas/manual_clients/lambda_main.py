from luna_lambda_tools import StandaloneLambdaRequest


async def main(request: StandaloneLambdaRequest) -> dict:
    versions = {
        "faces_address": request.clients.faces.getAddress(),
    }
    if request.eventsEnabled:
        versions["events_address"] = request.clients.events.getAddress()
    return versions
