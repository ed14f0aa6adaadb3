"""Streams answers in every way that can go well or wrong."""

import asyncio
import os

from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest, logger

GATES: dict[str, asyncio.Event] = {}


class Steps(LambdaUserHandler):
    """Sends "first", waits until /open/<gate> is asked for, then sends "second"."""

    route: str = "/steps/<gate>"

    async def get(self, gate):
        GATES[gate] = asyncio.Event()
        try:
            async with self.stream(contentType="text/plain") as response:
                await response.send("first")
                await GATES[gate].wait()
                await response.send("second")
        except asyncio.CancelledError:
            logger.info(f"cancelled {gate}")
            raise


class Open(LambdaUserHandler):
    route: str = "/open/<gate>"

    async def post(self, gate):
        GATES[gate].set()
        return self.sendResponse(204)


class Flood(LambdaUserHandler):
    """Sends so many blocks of 64 KiB, and says how many it could send."""

    route: str = "/flood/<blocks:int>"

    async def get(self, blocks):
        async with self.stream(contentType="application/octet-stream") as response:
            for number in range(blocks):
                await response.send(b"x" * 65536)
                logger.info(f"sent {number + 1}")


class Dies(LambdaUserHandler):
    route: str = "/dies"

    async def get(self):
        async with self.stream(contentType="text/plain") as response:
            await response.send("a part")
            await asyncio.sleep(0.05)
            os._exit(3)


class Raises(LambdaUserHandler):
    route: str = "/raises"

    async def get(self):
        async with self.stream(contentType="text/plain") as response:
            await response.send("a part")
            raise RuntimeError("half-way")


ROUTES_TO_ADD = [Steps, Open, Flood, Dies, Raises]


async def main(request: StandaloneLambdaRequest) -> dict:
    return {}
