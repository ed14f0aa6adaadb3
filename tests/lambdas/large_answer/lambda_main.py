"""Answers with as many bytes as its request asks for."""

from luna_lambda_tools import StandaloneLambdaRequest


async def main(request: StandaloneLambdaRequest) -> dict:
    return {"text": "x" * (request.json or {}).get("bytes", 0)}
