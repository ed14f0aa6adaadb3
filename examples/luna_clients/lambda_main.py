"""LUNA's services: which are there, a call that is awaited, a call that is only sent."""

from luna3.common.exceptions import LunaApiException
from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest, UserException


class FacesDoNotAnswer(UserException):
    statusCode = 503
    errorText = "luna-faces does not answer, try again later"


async def main(request: StandaloneLambdaRequest) -> dict:
    """Where the services are."""
    services = {"faces": request.clients.faces.getAddress() if request.facesEnabled else "disabled"}
    services["events"] = request.clients.events.getAddress() if request.eventsEnabled else "disabled"
    return services


class Visits(LambdaUserHandler):
    """Notes that a face was seen."""

    route = "/visits/<faceId:uuid>"

    async def post(self, faceId):
        clients = self.request.clients
        try:
            face = (await clients.faces.getFace(str(faceId))).json
        except LunaApiException as error:
            if error.statusCode == 404:
                return self.sendResponse(404, json={"seen": False})
            self.request.logger.warning(f"no face: {error}")
            raise FacesDoNotAnswer from error
        if self.request.eventsEnabled:
            # Sent although nobody awaits it; the log tells when it fails.
            clients.events.saveEvents(events=[{"face": {"face_id": str(faceId)}}])
        return self.sendResponse(201, json={"seen": True, "user_data": face["user_data"]})


ROUTES_TO_ADD = [Visits]
