"""Takes what a worker may be denied, and says as whom it runs."""

import os
import resource

from luna_lambda_tools import StandaloneLambdaRequest


def open_many(count):
    files = []
    try:
        for _ in range(count):
            files.append(open(os.devnull))
    except OSError as error:
        return {"opened": len(files), "error": error.strerror}
    finally:
        for file in files:
            file.close()
    return {"opened": len(files)}


def take_memory(size):
    try:
        taken = bytearray(size)
    except MemoryError:
        return {"taken": 0}
    return {"taken": len(taken)}


KEPT = []


def keep(size):
    KEPT.append(b"x" * size)
    return {"kept": size}


def burn():
    while True:
        pass


def start_children(count):
    children, failed = [], False
    try:
        for _ in range(count):
            child = os.fork()
            if child == 0:
                os._exit(0)
            children.append(child)
    except OSError as error:
        failed = error.strerror
    for child in children:
        os.waitpid(child, 0)
    return {"started": len(children), "error": failed}


def who():
    status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
    return {
        "pid": os.getpid(),
        "uid": os.getresuid(),
        "gid": os.getresgid(),
        "groups": os.getgroups(),
        "nice": os.nice(0),
        "no_new_privs": int(status["NoNewPrivs"]),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "readable": os.access("lambda_main.py", os.R_OK),
    }


async def main(request: StandaloneLambdaRequest) -> dict:
    order = request.json
    if order["take"] == "files":
        return open_many(order["count"])
    if order["take"] == "memory":
        return take_memory(order["size"])
    if order["take"] == "keep":
        return keep(order["size"])
    if order["take"] == "cpu":
        burn()
    if order["take"] == "children":
        return start_children(order["count"])
    return who()
