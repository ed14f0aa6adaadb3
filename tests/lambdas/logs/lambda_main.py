"""Logs from everywhere that a request's code may run."""

import asyncio

from luna_lambda_tools import StandaloneLambdaRequest, logger


def in_a_thread(name):
    logger.info(f"{name}: thread")


async def in_a_task(name):
    await asyncio.sleep(0.01)
    logger.info(f"{name}: task")


async def main(request: StandaloneLambdaRequest) -> dict:
    name = request.json["name"]
    logger.info(f"{name}: first")
    await asyncio.sleep(0.02)
    logger.warning(f"{name}: after await")
    await asyncio.gather(in_a_task(name), asyncio.to_thread(in_a_thread, name))
    request.logger.info(f"{name}: own")
    logger.debug(f"{name}: debug")
    logger.info("{}: two\nlines and a percent %s \x1b[31m".format(name))
    return {"requestId": request.requestId}
