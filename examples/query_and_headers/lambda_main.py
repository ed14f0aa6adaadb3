"""What a request says beside its body: query arguments, headers, cookies."""

from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest

ITEMS = [f"item {number}" for number in range(1, 26)]


class ItemsHandler(LambdaUserHandler):
    """Checked query arguments: a wrong one is answered with 400."""

    route: str = "/items"

    async def get(self):
        page, size = self.getPagination(defaultPageSize=5)
        reverse = self.getQueryParam("reverse", validator=int, default=0)
        items = ITEMS[::-1] if reverse else ITEMS
        return self.sendResponse(200, json={"page": page, "items": items[(page - 1) * size : page * size]})


class AccountHandler(LambdaUserHandler):
    """The account that LUNA's services act for."""

    route: str = "/account"

    async def get(self):
        response = self.sendResponse(200, json={"account": self.getAccountIdFromHeader()})
        response.headers.add("Set-Cookie", "seen=1; HttpOnly")
        return response


ROUTES_TO_ADD = [ItemsHandler, AccountHandler]


async def main(request: StandaloneLambdaRequest) -> dict:
    """Show them."""
    return {
        "first": request.args.get("colour"),
        "all": request.args.getlist("colour"),
        "language": request.headers.get("accept-language"),
        "cookie": request.cookies.get("session"),
        "path": request.path,
    }
