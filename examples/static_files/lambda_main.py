"""A page with its files, beside /main that it calls."""

from luna_lambda_tools import StandaloneLambdaRequest


async def main(request: StandaloneLambdaRequest) -> dict:
    """Double a number."""
    return {"result": request.json["number"] * 2}
