"""One session of an HTTP client for all requests: connections to other services are kept and used again."""

import aiohttp
from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest, UserException


class Unreachable(UserException):
    """What the client is told when the other service does not answer."""

    statusCode = 502
    errorText = "the service does not answer"


class UserCtx:
    """The session lives as long as the worker."""

    def __init__(self):
        self.session = None

    async def onStart(self):
        # An idle connection is dropped before the other side drops it.
        connector = aiohttp.TCPConnector(keepalive_timeout=2)
        self.session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=5))

    async def onShutdown(self):
        await self.session.close()


class OtherService(LambdaUserHandler):
    """Stands for a service elsewhere, so that the example needs no network."""

    route: str = "/other_service"

    async def get(self):
        return self.sendResponse(200, json={"temperature": 21})


ROUTES_TO_ADD = [OtherService]


async def main(request: StandaloneLambdaRequest) -> dict:
    """Ask the other service."""
    url = f"http://{request.host}/other_service"
    try:
        async with request.userCtx.session.get(url) as response:
            return {"status": response.status, "answer": await response.json()}
    except aiohttp.ClientError as error:
        raise Unreachable from error
