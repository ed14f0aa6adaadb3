"""The types that a parameter of a route can have, and what the method gets."""

from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest


class Showing(LambdaUserHandler):
    """What the handlers below have in common. Routes and methods must be in the final class, other things need not."""

    def show(self, **parameters):
        """Each parameter with its Python type."""
        shown = {name: f"{type(value).__name__} {value}" for name, value in parameters.items()}
        return self.sendResponse(200, json=shown)


class TextHandler(Showing):
    """Without a type: any text of one segment."""

    route: str = "/text/<name>"

    async def get(self, name):
        return self.show(name=name)


class NumberHandler(Showing):
    """Numbers arrive as numbers."""

    route: str = "/numbers/<whole:int>/<real:float>"

    async def get(self, whole, real):
        return self.show(whole=whole, real=real)


class DayHandler(Showing):
    """A date."""

    route: str = "/days/<day:ymd>"

    async def get(self, day):
        return self.show(day=day)


class IdHandler(Showing):
    """A UUID."""

    route: str = "/ids/<number:uuid>"

    async def get(self, number):
        return self.show(number=number)


class FileHandler(Showing):
    """A file name: the extension is one more parameter, `ext`."""

    route: str = "/files/<name:ext=jpg|png>"

    async def get(self, name, ext):
        return self.show(name=name, ext=ext)


class TreeHandler(Showing):
    """All of the rest, slashes included."""

    route: str = "/tree/<rest:path>"

    async def get(self, rest):
        return self.show(rest=rest)


class PatternHandler(Showing):
    """A regular expression; what it matches arrives as text."""

    route: str = r"/tasks/<taskId:\d+>"

    async def get(self, taskId):
        return self.show(taskId=taskId)


ROUTES_TO_ADD = [TextHandler, NumberHandler, DayHandler, IdHandler, FileHandler, TreeHandler, PatternHandler]


async def main(request: StandaloneLambdaRequest) -> dict:
    """The routes."""
    return {"routes": [handler.route for handler in ROUTES_TO_ADD]}
