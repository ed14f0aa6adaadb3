"""A handler that waits, as for another service: 50 ms."""

import asyncio

from luna_lambda_tools import StandaloneLambdaRequest


async def main(request: StandaloneLambdaRequest) -> dict:
    await asyncio.sleep(0.05)
    return {"image_count": len(request.json["images"])}
