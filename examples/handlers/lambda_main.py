"""An event of each source that luna-handlers sends."""

from luna_lambda_tools import HandlersLambdaRequest, UserException, logger


class NoImage(UserException):
    statusCode = 400
    errorText = "a source has no image"


async def main(request: HandlersLambdaRequest) -> dict:
    """Makes an event of each source, with the size of its image."""
    data = request.data  # validated here: what does not fit is a 400 that names the place
    logger.info("handler %s sends %s sources", request.handlerId, len(data.sources))
    events = []
    for source in data.sources:
        if source.imageOrigin is None:
            raise NoImage
        image = source.imageOrigin.body  # bytes when the body is msgpack, text when it is JSON
        events.append(
            {
                "filename": source.filename,
                "image_size": len(image),
                "aggregated": bool(data.aggregateAttributes),
                "detect_ts": source.detectTs,
            }
        )
    return {"events": events, "filtered_detections": {}, "images": []}
