"""Lambdas that do what they should not: each gets the answer it deserves, and the pool is whole afterwards."""

import os
import signal
import time

import pytest

from support.errors import assert_error
from support.lambdapool import run
from support.wait import eventually

# Deed, status, what the detail says, whether the worker lives on.
DEEDS = [
    ("hog", 504, "no answer within 1000 ms", False),
    ("close", 500, "worker", False),
    ("fork", 500, "^worker exited with status 7$", False),
    ("flood", 200, None, True),
    ("handlers", 200, None, True),
    ("loop", 200, None, True),
    ("reader", 200, None, None),
    ("abort", 500, r"^worker ended by signal 6 \(SIGABRT\)", False),
]


@pytest.fixture
def hostile(serve):
    server = serve(
        "hostile",
        settings={"pool.request_timeout": "1s", "pool.cancel_grace": "200ms", "quarantine.deaths": 0, "pool.queue_timeout": "1s"},
    )
    server.allow(".")
    return server


def is_whole(server):
    """A worker that answers, by then or soon."""
    response = server.post({"deed": "nothing"}, timeout=20)
    assert response.status == 200, response
    return response.json()["pid"]


@pytest.mark.parametrize(("deed", "status", "detail", "lives"), DEEDS, ids=[deed for deed, *_ in DEEDS])
def test_the_deed_gets_its_answer_and_the_pool_is_whole_afterwards(hostile, deed, status, detail, lives):
    before = hostile.worker()

    response = hostile.post({"deed": deed}, timeout=30)

    assert response.status == status, response
    if detail is not None:
        code, kind = (42004, "worker_timeout" if status == 504 else "worker_crashed")
        assert_error(response, status, code, kind, detail)
    after = eventually(lambda: is_whole(hostile), within=20)
    if lives is not None:
        assert (after == before) == lives


def test_a_stopped_worker_is_replaced_and_its_request_is_a_504(hostile):
    before = hostile.worker()
    os.kill(before, signal.SIGSTOP)

    assert hostile.post({"deed": "nothing"}, timeout=30).status == 504

    assert eventually(lambda: is_whole(hostile), within=20) != before


def test_a_crash_after_the_handlers_were_replaced_is_a_500_all_the_same(hostile):
    assert hostile.post({"deed": "handlers"}).status == 200

    response = hostile.post({"deed": "abort"}, timeout=30)

    assert_error(response, 500, 42004, "worker_crashed", r"^worker ended by signal 6 \(SIGABRT\)")
    is_whole(hostile)


ON_START = {
    "hangs": ("await asyncio.sleep(3600)", "not ready within"),
    "blocks": ("time.sleep(3600)", "not ready within"),
    "exits": ("os._exit(0)", "worker exited with status 0"),
    "crashes": ("ctypes.string_at(0)", r"SIGSEGV"),
    "raises": ("raise RuntimeError('no database')", "no database"),
}


@pytest.mark.parametrize("how", ON_START)
def test_an_on_start_that_fails_ends_the_start_with_its_reason(make_lambda, how):
    line, reason = ON_START[how]
    path = make_lambda(
        "import asyncio, ctypes, os, time\n"
        "class UserCtx:\n"
        "    async def onStart(self):\n"
        f"        {line}\n"
        "async def main(request):\n"
        "    return {}\n"
    )
    began = time.monotonic()

    done = run("serve", path, "--port", "0", "--set", "pool.start_timeout=1s", within=30)

    assert done.returncode == 1
    assert reason in done.stderr
    assert time.monotonic() - began < 20
