"""What clients are told when something goes wrong."""

from luna_lambda_tools import StandaloneLambdaRequest, UserException


class OutOfStock(UserException):
    """An expected error: its status and text go to the client, and nothing to the log."""

    statusCode = 409
    errorText = "out of stock"


class NoSuchItem(UserException):
    """One whose text is made for the occasion."""

    statusCode = 404

    def __init__(self, name):
        self.errorText = f"there is no item {name}"


PRICES = {"apple": 30, "pear": 0}


async def main(request: StandaloneLambdaRequest) -> dict:
    """How many of an item one gets for an amount of money."""
    name, money = request.json["item"], request.json["money"]
    if name not in PRICES:
        raise NoSuchItem(name)
    if name == "pear" and money == 0:
        raise OutOfStock
    return {"count": money // PRICES[name]}
