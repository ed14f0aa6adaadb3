"""A handlers lambda that says what it was sent."""

import hashlib

from luna_lambda_tools import HandlersLambdaRequest


def told(image):
    return {"sha256": hashlib.sha256(image).hexdigest()} if isinstance(image, bytes) else image


async def main(request: HandlersLambdaRequest) -> dict:
    data = request.data
    return {
        "handler_id": request.handlerId,
        "aggregate": data.aggregateAttributes,
        "sources": [
            {
                "kind": type(source).__name__,
                "filename": source.filename,
                "origin": source.imageOrigin and told(source.imageOrigin.body),
            }
            for source in data.sources
        ],
    }
