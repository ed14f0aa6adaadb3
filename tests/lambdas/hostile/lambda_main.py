"""Does to its worker what a lambda should not do."""

import asyncio
import ctypes
import os
import signal
import sys
import time

from luna_lambda_tools import StandaloneLambdaRequest


def hog():
    # PyDLL keeps the interpreter's lock: no thread of Python runs, no signal handler, no task. The second lock of the
    # same mutex never comes back, whatever signals arrive.
    library, mutex = ctypes.PyDLL(None), ctypes.create_string_buffer(64)
    library.pthread_mutex_lock(mutex)
    library.pthread_mutex_lock(mutex)


def close_all():
    os.closerange(0, 1024)


def fork_and_keep():
    child = os.fork()
    if child == 0:
        os.setsid()
        time.sleep(3)
        os._exit(0)
    os._exit(7)


def flood():
    line = "x" * 1000 + "\n"
    for _ in range(20_000):
        sys.stdout.write(line)
    sys.stdout.flush()


def replace_handlers():
    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGUSR2, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    import faulthandler

    faulthandler.disable()


def stop_loop():
    asyncio.get_running_loop().stop()


def close_loop_reader():
    loop = asyncio.get_running_loop()
    for descriptor in range(3, 10):
        try:
            loop.remove_reader(descriptor)
        except Exception:
            pass


DEEDS = {
    "hog": hog,
    "close": close_all,
    "fork": fork_and_keep,
    "flood": flood,
    "handlers": replace_handlers,
    "loop": stop_loop,
    "reader": close_loop_reader,
    "abort": os.abort,
}


async def main(request: StandaloneLambdaRequest) -> dict:
    deed = request.json["deed"]
    if deed in DEEDS:
        DEEDS[deed]()
        await asyncio.sleep(0)
    return {"pid": os.getpid()}
