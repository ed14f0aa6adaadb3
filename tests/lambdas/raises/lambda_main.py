"""Raises what its request names."""

import asyncio
import sys

from luna_lambda_tools import StandaloneLambdaRequest, UserException


class Teapot(UserException):
    statusCode = 418
    errorText = "short and stout"


class Strange(BaseException):
    pass


def leave():
    sys.exit(3)


def fail(name):
    if name == "Teapot":
        raise Teapot
    if name == "Teapot()":
        raise Teapot()
    if name == "SystemExit":
        leave()
    if name == "KeyboardInterrupt":
        raise KeyboardInterrupt
    if name == "BaseException":
        raise Strange("from outer space")
    if name == "GeneratorExit":
        raise GeneratorExit
    if name == "CancelledError":
        raise asyncio.CancelledError
    if name == "BaseExceptionGroup":
        raise BaseExceptionGroup("several", [SystemExit(1), ValueError("one of them")])
    if name == "ValueError":
        raise ValueError("a text with \"quotes\", \n a newline and \udcff half a character")
    if name == "RecursionError":
        fail(name)
    if name == "MemoryError":
        raise MemoryError


async def main(request: StandaloneLambdaRequest) -> dict:
    name = request.json["raise"]
    if name == "cancels itself":
        asyncio.current_task().cancel()
        await asyncio.sleep(0)
    if name == "in a callback":
        asyncio.get_running_loop().call_soon(leave)
        await asyncio.sleep(0.05)
    if name == "in a task":
        task = asyncio.create_task(asyncio.to_thread(leave))
        await asyncio.wait([task])
    fail(name)
    return {"result": "nothing was raised"}
