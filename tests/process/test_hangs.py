"""Lambdas that hang: what the log and the metrics say of it, and where."""

import os
import signal

import pytest

from support.errors import assert_error
from support.wait import eventually

QUICK = {"worker.block_warning": "200ms"}


def metric(server, name):
    (line,) = [line for line in server.request("GET", "/metrics").body.decode().splitlines() if line.startswith(name + " ")]
    return float(line.split()[1])


@pytest.mark.parametrize(
    "how, place",
    [
        ("python", "in main"),
        ("gil", "in sleep_with_the_gil"),
        ("child", "in blocking_child"),
    ],
)
def test_a_blocked_loop_is_told_once_with_line_and_request(serve, how, place):
    server = serve("hangs", settings=QUICK)

    with server.begin(how=how, seconds=1.5) as connection:
        (record,) = server.log.wait_for("^event loop is blocked$")
        assert connection.receive(within=20).status == 200

    assert record.level == "warning"
    assert record["place"].startswith("lambda_main.py:")
    assert record["place"].endswith(place)
    (begun,) = server.log.find("^begun$")
    assert record["request_id"] == begun["request_id"]
    assert 200 < record["blocked_ms"] < 1500
    (goes_on,) = server.log.wait_for("^event loop goes on$")
    assert goes_on["blocked_ms"] > 1400
    assert len(server.log.find("^event loop is blocked$")) == 1
    assert metric(server, "lambdapool_worker_loop_blocked_total") == 1
    assert 1.4 < metric(server, "lambdapool_worker_loop_blocked_seconds_total") < 10


def test_a_callback_that_blocks_the_loop_is_told_when_requests_wait(serve):
    server = serve("hangs", settings=QUICK)
    assert server.post({"how": "callback", "seconds": 2}).status == 200
    server.log.wait_for("^blocking$")

    assert server.post({}, timeout=20).status == 200

    (record,) = server.log.wait_for("^event loop is blocked$")
    assert record["request_id"] == "none"
    assert record["place"].endswith("in block_in_a_callback")
    assert server.log.find("^stacks of a worker whose event loop is blocked$")


def test_nothing_is_told_of_what_only_waits(serve):
    server = serve("hangs", settings={**QUICK, "pool.request_timeout": "1s"})

    with server.begin(how="await") as connection:
        assert connection.receive(within=20).status == 504

    assert not server.log.find("^event loop is blocked$")
    assert metric(server, "lambdapool_worker_loop_blocked_total") == 0


def test_zero_tells_nothing(serve):
    server = serve("hangs", settings={"worker.block_warning": "0s"})

    assert server.post({"how": "python", "seconds": 0.7}).status == 200

    assert not server.log.find("^event loop is blocked$")


def test_a_stopped_worker_is_told_without_a_place(serve):
    server = serve("hangs", settings=QUICK)

    with server.begin(how="stop") as connection:
        (record,) = server.log.wait_for("^event loop is blocked$")
        os.kill(server.worker(), signal.SIGCONT)
        assert connection.receive(within=20).status == 200

    assert "unknown" in record["place"]


@pytest.mark.parametrize(
    "how, lines",
    [
        ("await", ["in main: await never()", "in never: await asyncio.Event().wait()"]),
        (
            "gather",
            ["in main: await asyncio.gather(asyncio.sleep(0), inner())", "waits for 1 of 2 gathered",
             "in inner: async for _ in endless():", "in endless: await never()", "in never:"],
        ),
    ],
)
def test_a_request_over_its_time_tells_the_lines_that_it_awaits(serve, how, lines):
    server = serve("hangs", settings={"pool.request_timeout": "500ms"})

    with server.begin(how=how) as connection:
        assert_error(connection.receive(within=20), 504, 42004, "worker_timeout", ".")

    (begun,) = server.log.find("^begun$")
    (record,) = server.log.wait_for("the request's time is over", request_id=begun["request_id"])
    for line in lines:
        assert line in record.message, record.message


def test_a_lambda_with_the_default_of_the_signal_for_stacks_is_not_killed_by_it(serve):
    server = serve("hangs", settings={"pool.request_timeout": "500ms"})
    worker = server.worker()

    with server.begin(how="deaf") as connection:
        assert connection.receive(within=20).status == 504
    server.log.wait_for("the request's time is over")

    assert server.post({}).json()["pid"] == worker
    eventually(lambda: server.worker() == worker)
