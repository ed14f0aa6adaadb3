"""Digests the bodies it gets, makes bodies of any length, keeps them, and dies with one in its hands."""

import asyncio
import hashlib
import os

from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest

KEPT: list[bytes] = []
PATTERN = bytes(range(251))


def made(count: int) -> bytes:
    return (PATTERN * (count // len(PATTERN) + 1))[:count]


class Bytes(LambdaUserHandler):
    route: str = "/bytes/<count:int>"

    async def get(self, count: int):
        return self.sendResponse(body=made(count), headers={"Content-Type": "application/octet-stream"})


class Head(LambdaUserHandler):
    route: str = "/head/<count:int>"

    async def head(self, count: int):
        return self.sendResponse(body=made(count))


class Mirror(LambdaUserHandler):
    route: str = "/mirror"

    async def post(self):
        return self.sendResponse(body=self.request.body, headers={"Content-Type": "application/octet-stream"})


class Keep(LambdaUserHandler):
    """Keeps the body for ever and says what all kept ones are."""

    route: str = "/keep"

    async def post(self):
        KEPT.append(self.request.body)
        return self.sendResponse(json=[hashlib.sha256(body).hexdigest() for body in KEPT])


class Die(LambdaUserHandler):
    route: str = "/die"

    async def post(self):
        os._exit(len(self.request.body) % 100 or 1)


class Wait(LambdaUserHandler):
    route: str = "/wait"

    async def post(self):
        await asyncio.sleep(3600)


ROUTES_TO_ADD = [Bytes, Head, Mirror, Keep, Die, Wait]


async def main(request: StandaloneLambdaRequest) -> dict:
    return {
        "type": type(request.body).__name__,
        "length": len(request.body),
        "sha256": hashlib.sha256(request.body).hexdigest(),
    }
