"""Handlers that share code: a base class with what they have in common."""

from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest, UserException

KEYS = {"secret-of-ann": "ann", "secret-of-bob": "bob"}


class NotAllowed(UserException):
    """The client has no key, or a wrong one."""

    statusCode = 403
    errorText = "a valid X-Key is needed"


class KeyHandler(LambdaUserHandler):
    """The base: no route and no HTTP method, which must be in the final classes."""

    def user(self):
        """Whose key the request has."""
        try:
            return KEYS[self.request.headers.get("X-Key")]
        except KeyError:
            raise NotAllowed from None

    def answer(self, **values):
        """Every answer names the user."""
        return self.sendResponse(200, json={"user": self.user(), **values})


class GreetingHandler(KeyHandler):
    """Greets."""

    route: str = "/greeting"

    async def get(self):
        return self.answer(text="Hello!")


class FarewellHandler(KeyHandler):
    """Says farewell."""

    route: str = "/farewell"

    async def get(self):
        return self.answer(text="Goodbye!")


ROUTES_TO_ADD = [GreetingHandler, FarewellHandler]


async def main(request: StandaloneLambdaRequest) -> dict:
    """Open to all."""
    return {"routes": ["/greeting", "/farewell"]}
