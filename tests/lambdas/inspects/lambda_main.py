"""Tells what a lambda finds in its process."""

import asyncio
import os
import sys

from luna_lambda_tools import StandaloneLambdaRequest


def descriptors():
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            pass
    return found


async def main(request: StandaloneLambdaRequest) -> dict:
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "descriptors": descriptors(),
        "stdin": "" if sys.stdin is None else sys.stdin.read(),
        "loop": type(asyncio.get_running_loop()).__module__.split(".")[0],
        "version": list(sys.version_info[:2]),
        "path": sys.path,
        "file": __file__,
    }
