"""What is measured: parse JSON, count, answer JSON. asgi_app.py does the same by hand."""

from luna_lambda_tools import StandaloneLambdaRequest


async def main(request: StandaloneLambdaRequest) -> dict:
    return {"image_count": len(request.json["images"])}
