"""A handler that computes in Python: about half a millisecond."""

from luna_lambda_tools import StandaloneLambdaRequest


async def main(request: StandaloneLambdaRequest) -> dict:
    total = 0
    for number in range(8000):
        total += number * number % 7
    return {"image_count": len(request.json["images"]), "total": total}
