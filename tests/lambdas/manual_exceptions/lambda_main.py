from luna_lambda_tools import StandaloneLambdaRequest, UserException


class ImageCountException(UserException):
    statusCode = 400
    errorText = "expected two images in request"


async def main(request: StandaloneLambdaRequest) -> dict:
    if len(request.json["images"]) != 2:
        raise ImageCountException
    return {"image_count": len(request.json["images"])}
