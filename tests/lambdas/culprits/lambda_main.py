"""Requests that wait, and requests that end their worker in one of many ways."""

import asyncio
import ctypes
import os
import pathlib
import signal
import threading

from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest


class Waits(LambdaUserHandler):
    """Answers when there is a file `go` in the folder that the header X-Folder names."""

    route: str = "/waits/<name>"

    async def wait(self, name):
        folder = pathlib.Path(self.request.headers["x-folder"])
        with open(folder / "begun", "a") as begun:
            begun.write(f"{name}\n")
        while not (folder / "go").exists():
            await asyncio.sleep(0.005)
        return self.sendResponse(200, json={"name": name, "pid": os.getpid()})

    async def get(self, name):
        return await self.wait(name)

    async def put(self, name):
        return await self.wait(name)

    async def post(self, name):
        return await self.wait(name)


def segfault():
    ctypes.string_at(0)


async def child():
    await asyncio.sleep(0)
    segfault()


def end_in_a_thread():
    os._exit(9)


class Ends(LambdaUserHandler):
    """Ends the worker."""

    route: str = "/ends/<how>"

    async def post(self, how):
        await asyncio.sleep(0)
        if how == "segfault":
            segfault()
        if how == "child":
            await asyncio.create_task(child())
        if how == "gather":
            await asyncio.gather(asyncio.sleep(10), child())
        if how == "thread":
            await asyncio.to_thread(segfault)
        if how == "executor":
            await asyncio.get_running_loop().run_in_executor(None, end_in_a_thread)
        if how == "exit":
            os._exit(0)
        if how == "abort":
            os.abort()
        if how == "raise":
            signal.raise_signal(signal.SIGTERM)
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "foreign thread":
            thread = threading.Thread(target=segfault)
            thread.start()
            await asyncio.sleep(10)
        return self.sendResponse(200, json={"ended": False})


ROUTES_TO_ADD = [Waits, Ends]


async def main(request: StandaloneLambdaRequest) -> dict:
    return {"pid": os.getpid()}
