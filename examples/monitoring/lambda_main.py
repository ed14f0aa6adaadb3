"""Points for LUNA's monitoring: those of each request, and the lambda's own."""

from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest, UserException
from luna_lambda_tools.public.monitoring import CustomMonitoringPoint


class Comparison(CustomMonitoringPoint):
    """One comparison of two texts."""

    series = "comparisons"


class NoTexts(UserException):
    statusCode = 400
    errorText = 'send {"first": "...", "second": "..."}'


class Lengths(LambdaUserHandler):
    """The length of a text; it is a field of the request's own point, too."""

    route: str = "/length/<text:str>"

    async def get(self, text):
        self.addDataForMonitoring(tags={"kind": "short" if len(text) < 5 else "long"}, fields={"length": len(text)})
        return self.sendResponse(200, json={"length": len(text)})


ROUTES_TO_ADD = [Lengths]


async def main(request: StandaloneLambdaRequest) -> dict:
    """Compares two texts."""
    texts = request.json or {}
    if "first" not in texts or "second" not in texts:
        raise NoTexts
    similarity = 1.0 if texts["first"] == texts["second"] else 0.0
    point = Comparison(pointTags={"equal": similarity == 1.0}, pointFields={"similarity": similarity})
    request.sendToMonitoring([point])  # returns at once; without monitoring.url it goes nowhere
    return {"similarity": similarity}
