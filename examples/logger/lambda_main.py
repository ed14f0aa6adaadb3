"""Log lines carry the id of the request that they belong to."""

import logging

from luna_lambda_tools import StandaloneLambdaRequest, logger

logger.info("the lambda is imported")  # outside of a request: no id


def deep_in_the_code(name):
    """Needs no request: the logger knows which one runs."""
    logger.info("greeting %s", name)


async def main(request: StandaloneLambdaRequest) -> dict:
    """Write some lines."""
    deep_in_the_code(request.json["name"])
    request.logger.warning("the same logger, taken from the request")
    logging.getLogger("library").warning("libraries that use logging are heard as well")
    print("so is what is printed, without an id")
    return {"result": "logged"}
