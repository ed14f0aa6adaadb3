"""Calls of LUNA's services as a test orders them: {"client", "call", "kwargs", "await"}."""

from luna_lambda_tools import StandaloneLambdaRequest


async def main(request: StandaloneLambdaRequest) -> dict:
    order = request.json or {}
    if "call" not in order:
        return {"addresses": {name: client and client.getAddress() for name, client in vars(request.clients).items()}}
    call = getattr(getattr(request.clients, order["client"]), order["call"])(**order.get("kwargs", {}))
    if not order.get("await", True):
        return {"status": "begun"}
    response = await call
    return {"status": response.statusCode, "json": response.json}
