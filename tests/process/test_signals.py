"""What signals do to a running server."""

import signal

import pytest

from support.http_client import request_bytes
from support.lambdapool import Lambdapool


def test_ttin_is_one_worker_more_and_ttou_one_fewer(serve):
    server = serve("sleeper")

    server.send_signal(signal.SIGTTIN)
    server.wait_for_workers(2)
    server.send_signal(signal.SIGTTIN)
    server.wait_for_workers(3)
    server.send_signal(signal.SIGTTOU)
    server.wait_for_workers(2)
    server.send_signal(signal.SIGTTOU)
    server.wait_for_workers(1)

    assert server.post({"name": "after"}).json()["name"] == "after"


def test_a_worker_that_is_added_gets_requests(serve):
    server = serve("sleeper", settings={"pool.concurrency": 1})
    server.send_signal(signal.SIGTTIN)
    server.log.wait_for("worker ready", count=2)
    connections = [server.connect() for _ in range(2)]
    for connection in connections:
        connection.send(request_bytes(json_body={"seconds": 0.5}))

    pids = {connection.receive().json()["pid"] for connection in connections}

    assert len(pids) == 2
    for connection in connections:
        connection.close()
    server.send_signal(signal.SIGTTOU)
    server.wait_for_workers(1)


def test_the_last_worker_stays(serve):
    server = serve("sleeper")

    for _ in range(3):
        server.send_signal(signal.SIGTTOU)

    assert server.post({}).status == 200
    assert len(server.workers()) == 1


def test_the_requests_of_a_worker_that_is_taken_away_are_finished(serve):
    server = serve("sleeper", workers=2)
    connections = [server.connect() for _ in range(6)]
    for connection in connections:
        connection.send(request_bytes(json_body={"seconds": 0.7}))
    server.log.wait_for("^begun$", count=6)

    server.send_signal(signal.SIGTTOU)

    pids = set()
    for connection in connections:
        response = connection.receive()
        assert response.status == 200
        pids.add(response.json()["pid"])
        connection.close()
    assert len(pids) == 2
    server.wait_for_workers(1)
    server.log.wait_for("^shutdown$")
    server.expected_workers = 1


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGUSR1], ids=lambda one: one.name)
def test_other_signals_do_not_end_it(serve, number):
    server: Lambdapool = serve("sleeper")

    server.send_signal(number)

    assert server.post({"name": 1}).status == 200
    server.check()


def test_it_serves_when_nobody_reads_its_standard_output(serve):
    """As in `lambdapool serve ... | head -1`: the reader is gone after the first line."""
    server = serve("sleeper", read_output_on=False)

    for _ in range(3):
        assert server.post({}).status == 200


def test_it_says_one_line_on_its_standard_output(serve):
    server = serve("sleeper")
    server.post({})
    server.stop()

    assert server.output == [f"listening on http://{server.address[0]}:{server.address[1]}"]
