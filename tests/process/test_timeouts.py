"""Requests that take too long, wait too long, or lose their client."""

import os
import signal
import time

import pytest

from support.errors import assert_error
from support.http_client import Connection, request_bytes
from support.lambdapool import Lambdapool
from support.processes import descriptors
from support.wait import eventually


# ---------------------------------------------------------------------- over the time limit


def test_a_request_over_its_time_is_504_and_cancelled(serve):
    server = serve("sleeper", settings={"pool.request_timeout": "500ms"})
    server.allow("stacks", "time")
    worker = server.worker()

    with server.begin(seconds=30) as connection:
        began = time.monotonic()
        assert_error(connection.receive(), 504, 42004, "worker_timeout", ".")
        assert time.monotonic() - began < 1.5
        server.log.wait_for("^cancelled$")
        assert connection.request(json_body={"name": "next"}).json()["name"] == "next"

    assert server.worker() == worker


def test_a_request_within_its_time_is_answered(serve):
    server = serve("sleeper", settings={"pool.request_timeout": "2s"})

    assert server.post({"seconds": 1, "name": "in time"}).json()["name"] == "in time"


def test_a_request_that_ignores_its_cancellation_is_504_all_the_same(serve):
    server = serve("stubborn", settings={"pool.request_timeout": "300ms"})
    server.allow("stacks", "time", "worker")

    with server.begin(seconds=1.5) as connection:
        began = time.monotonic()
        assert connection.receive().status == 504
        assert time.monotonic() - began < 1.3
    assert server.post({"seconds": 0}).status == 200
    # What it returns in the end is nobody's answer.
    server.log.wait_for("^ended$", count=2)


def test_a_stuck_loop_is_504_and_its_worker_replaced(serve):
    server = serve(
        "blocks_loop", settings={"pool.request_timeout": "500ms", "pool.cancel_grace": "300ms"}
    )
    server.allow(".")
    worker = server.worker()

    with server.begin(block=3600) as connection:
        began = time.monotonic()
        assert_error(connection.receive(), 504, 42004, "worker_timeout", ".")
        assert time.monotonic() - began < 1.5

    server.wait_for_replacement_of(worker)
    assert server.post({"name": "after"}).json()["name"] == "after"


def test_the_stacks_of_a_stuck_loop_are_in_the_log(serve):
    server = serve(
        "blocks_loop", settings={"pool.request_timeout": "300ms", "pool.cancel_grace": "300ms"}
    )
    server.allow(".")
    worker = server.worker()

    with server.begin(block=3600) as connection:
        assert connection.receive().status == 504
    server.wait_for_replacement_of(worker)

    text = "\n".join(server.log.lines)
    assert "lambda_main.py" in text
    assert "wait_for_the_world" in text


def test_a_stopped_worker_is_504_and_replaced(serve):
    server = serve(
        "sleeper", settings={"pool.request_timeout": "500ms", "pool.cancel_grace": "300ms"}
    )
    server.allow(".")
    worker = server.worker()
    os.kill(worker, signal.SIGSTOP)

    response = server.post({})

    assert_error(response, 504, 42004, "worker_timeout", ".")
    server.wait_for_replacement_of(worker)
    assert server.post({"name": "after"}).json()["name"] == "after"


def test_a_stuck_worker_costs_the_others_nothing(serve):
    server = serve(
        "blocks_loop",
        workers=2,
        settings={"pool.request_timeout": "1s", "pool.cancel_grace": "300ms"},
    )
    server.allow(".")
    workers = server.workers()

    with server.begin(block=3600) as stuck:
        # The other worker has fewer requests outstanding as long as these are sent one by one.
        for number in range(20):
            assert server.post({"name": number}).json()["name"] == number
        assert stuck.receive().status == 504
    eventually(lambda: server.workers() not in (workers, workers[:1], workers[1:]))
    server.wait_for_workers(2)


# ---------------------------------------------------------------------- the queue

ONE_AT_A_TIME = {"pool.concurrency": 1, "pool.request_timeout": "20s"}


def wait_in_queue(server: Lambdapool, **order: object) -> Connection:
    """Sends a request that the only worker has no room for."""
    connection = server.connect(timeout=20)
    connection.send(request_bytes(json_body=order))
    server.has_read_all_of(connection)
    return connection


def test_more_than_the_queue_holds_is_503_at_once(serve):
    server = serve("sleeper", settings={**ONE_AT_A_TIME, "pool.queue_length": 1})

    with server.begin(seconds=1, name="running") as running:
        with wait_in_queue(server, name="waiting") as waiting:
            began = time.monotonic()
            refused = server.post({})
            assert time.monotonic() - began < 0.5
            assert_error(refused, 503, 1, "queue_full", ".")
            assert int(refused.header("Retry-After") or "") >= 1
            assert running.receive().json()["name"] == "running"
            assert waiting.receive().json()["name"] == "waiting"


def test_a_queue_of_length_zero_holds_nothing(serve):
    server = serve("sleeper", settings={**ONE_AT_A_TIME, "pool.queue_length": 0})

    with server.begin(seconds=0.5) as running:
        assert server.post({}).header("Lambda-Error") == "queue_full"
        assert running.receive().status == 200
    assert server.post({}).status == 200


def test_a_request_that_waits_too_long_is_503(serve):
    server = serve("sleeper", settings={**ONE_AT_A_TIME, "pool.queue_timeout": "300ms"})

    with server.begin(seconds=1.2) as running:
        began = time.monotonic()
        refused = server.post({})
        assert 0.2 < time.monotonic() - began < 1.0
        assert_error(refused, 503, 1, "queue_timeout", ".")
        assert refused.header("Retry-After")
        assert running.receive().status == 200


def test_time_in_the_queue_counts(serve):
    server = serve("sleeper", settings={"pool.concurrency": 1, "pool.request_timeout": "1s"})
    server.allow("stacks", "time")

    with server.begin(seconds=0.7) as running:
        waiting = wait_in_queue(server, seconds=0.7)
        assert running.receive().status == 200
        response = waiting.receive()
        waiting.close()
    assert response.header("Lambda-Error") == "worker_timeout"


def test_the_queue_is_first_come_first_served(serve):
    server = serve("sleeper", settings=ONE_AT_A_TIME)

    with server.begin(seconds=0.3) as running:
        waiting = [wait_in_queue(server, name=number) for number in range(5)]
        assert running.receive().status == 200
        responses = [connection.receive() for connection in waiting]
    for connection in waiting:
        connection.close()
    ids = [response.header("Luna-Request-Id") for response in responses]
    served = [record["request_id"] for record in server.log.wait_for("^begun$", count=6)][1:]
    assert served == ids


# ---------------------------------------------------------------------- clients that leave


def leave_by_reset(connection: Connection) -> None:
    connection.reset()


def leave_by_close(connection: Connection) -> None:
    connection.close()


@pytest.mark.parametrize("leave", [leave_by_reset, leave_by_close])
def test_the_request_of_a_client_that_leaves_is_cancelled(serve, leave):
    server = serve("sleeper")
    worker = server.worker()
    connection = server.begin(seconds=5)

    leave(connection)

    server.log.wait_for("^cancelled$", within=2)
    assert not server.log.find("^ended$")
    assert server.worker() == worker
    assert server.post({"name": "next"}).json()["name"] == "next"


@pytest.mark.parametrize("leave", [leave_by_reset, leave_by_close])
def test_the_waiting_request_of_a_client_that_leaves_never_runs(serve, leave):
    server = serve("sleeper", settings=ONE_AT_A_TIME)

    with server.begin(seconds=2) as running:
        waiting = wait_in_queue(server, name="gone")
        leave(waiting)
        # Its descriptor is closed when the server has understood that the client is gone.
        eventually(lambda: len(descriptors(server.pid)) <= len(server.descriptors_at_start) + 1, 2)
        assert running.receive().status == 200
    assert server.post({"name": "next"}).json()["name"] == "next"
    server.stop()
    assert len(server.log.find("^begun$")) == 2


def test_every_pipelined_request_of_a_client_that_leaves_is_cancelled(serve):
    server = serve("sleeper")
    connection = server.connect()
    connection.send(request_bytes(json_body={"seconds": 30}) * 3)
    server.log.wait_for("^begun$")

    connection.reset()

    eventually(
        lambda: len(server.log.find("^cancelled$")) == len(server.log.find("^begun$")), within=2
    )
    assert not server.log.find("^ended$")


def test_a_client_that_leaves_in_the_middle_of_its_request_costs_nothing(serve):
    server = serve("sleeper")
    data = request_bytes(json_body={"name": "half"})
    for place in range(0, len(data), 7):
        connection = server.connect()
        connection.send(data[:place])
        connection.reset()

    assert server.post({"name": "whole"}).json()["name"] == "whole"
    server.stop()
    assert len(server.log.find("^begun$")) == 1
