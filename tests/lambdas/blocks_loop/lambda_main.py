"""Blocks its worker's loop when told to, as code that is not asynchronous does."""

import os
import time

from luna_lambda_tools import StandaloneLambdaRequest, logger


def wait_for_the_world(seconds):
    time.sleep(seconds)


async def main(request: StandaloneLambdaRequest) -> dict:
    order = request.json
    logger.info("begun")
    if order.get("block"):
        wait_for_the_world(order["block"])
    return {"name": order.get("name"), "pid": os.getpid()}
