"""Hangs in the way it is told to: in a step that blocks the loop, or in an await."""

import asyncio
import ctypes
import os
import signal
import time

from luna_lambda_tools import StandaloneLambdaRequest, logger


def sleep_with_the_gil(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:  # a signal ends it early
        ctypes.PyDLL(None).usleep(int(seconds * 1e6))


def block_in_a_callback(seconds):
    logger.info("blocking")
    time.sleep(seconds)


async def never():
    await asyncio.Event().wait()


async def inner():
    async for _ in endless():
        pass


async def endless():
    yield 1
    await never()


async def main(request: StandaloneLambdaRequest) -> dict:
    order = request.json
    seconds = order.get("seconds", 0)
    logger.info("begun")
    match order.get("how"):
        case "python":
            time.sleep(seconds)
        case "gil":
            sleep_with_the_gil(seconds)
        case "child":
            await asyncio.create_task(blocking_child(seconds))
        case "callback":
            asyncio.get_running_loop().call_later(0.01, block_in_a_callback, seconds)
        case "await":
            await never()
        case "gather":
            await asyncio.gather(asyncio.sleep(0), inner())
        case "deaf":
            signal.signal(signal.SIGUSR2, signal.SIG_DFL)
            await never()
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
    logger.info("done")
    return {"pid": os.getpid()}


async def blocking_child(seconds):
    time.sleep(seconds)
