from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest

UUID_REGEXP_STR = r"[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"

PARAMETERS = []


class ParameterHandler(LambdaUserHandler):
    """Parameter handler"""

    route: str = f"/parameters/<parameter:{UUID_REGEXP_STR}>"

    async def post(self, parameter):
        PARAMETERS.append(parameter)
        return self.sendResponse(201, json={"response": parameter})

    async def head(self, parameter):
        if parameter not in PARAMETERS:
            return self.sendResponse(404, body="Parameter not found", headers={"Content-Type": "text/plain"})
        return self.sendResponse(204)


class ParametersHandler(LambdaUserHandler):
    """Parameters handler"""

    route: str = "/parameters"

    async def get(self):
        return self.sendResponse(200, body="; ".join(PARAMETERS), headers={"Content-Type": "text/plain"})


ROUTES_TO_ADD = [ParameterHandler, ParametersHandler]


async def main(request: StandaloneLambdaRequest) -> dict:
    """Main route"""
    return {"result": "main route response"}
