"""A lambda of several files: modules beside this one, and a package without an __init__.py."""

from luna_lambda_tools import StandaloneLambdaRequest
from shapes import circle
from shapes.square import area as area_of_square
from words import plural


async def main(request: StandaloneLambdaRequest) -> dict:
    """Measure a square and the circle in it."""
    size = request.json["size"]
    return {
        "square": area_of_square(size),
        "circle": circle.area_in_square(size),
        "unit": plural("centimetre", size),
    }
