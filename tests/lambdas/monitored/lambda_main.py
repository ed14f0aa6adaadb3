"""Sends points of its own: as many as it is told, of the size that it is told."""

from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest
from luna_lambda_tools.public.monitoring import CustomMonitoringPoint


class Match(CustomMonitoringPoint):
    series = "matches"


class Item(LambdaUserHandler):
    route = "/items/<id:int>"

    async def get(self, id):
        self.addDataForMonitoring(tags={"kind": "an item"}, fields={"size": id})
        return self.sendResponse(200, json=id)


ROUTES_TO_ADD = [Item]


async def main(request: StandaloneLambdaRequest) -> dict:
    order = request.json or {}
    text = "x" * order.get("size", 0)
    for number in range(order.get("points", 0)):
        request.sendToMonitoring([Match({"list": "staff"}, {"number": number, "text": text})])
    return {"divided": 1 / order.get("by", 1)}
