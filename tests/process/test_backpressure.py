"""Clients that do not read and workers that do not read: held back, not stored."""

import os
import signal
import time

import pytest

from support.http_client import Connection, request_bytes
from support.lambdapool import Lambdapool, sanitized
from support.processes import descriptors
from support.wait import eventually, remains

MIB = 1 << 20
LARGE = 50 * MIB


def memory_of(server: Lambdapool) -> int:
    return server.resident_bytes() // (3 if sanitized() else 1)


def send_as_far_as_it_goes(connection: Connection, data: bytes) -> int:
    """How much the server takes of it until it takes nothing for half a second."""
    connection.socket.settimeout(0.5)
    sent = 0
    try:
        while sent < len(data):
            sent += connection.socket.send(data[sent : sent + 65536])
    except TimeoutError:
        pass
    return sent


def test_clients_that_do_not_read_their_answers_do_not_fill_the_memory(serve):
    """8 x 50 MB, asked for at the same time: what is not read is not produced for."""
    server = serve("large_answer", settings={"server.write_timeout": "30s"})
    slow = [server.connect(receive_buffer=4096) for _ in range(8)]
    for connection in slow:
        # More on the same connection: not even begun before the first answer is read.
        connection.send(request_bytes(json_body={"bytes": LARGE}) * 3)
    eventually(lambda: server.resident_bytes() > LARGE, within=20, what="answers to come")

    began = time.monotonic()
    for _ in range(20):
        assert server.post({"bytes": 10}).status == 200
    assert time.monotonic() - began < 10

    # One answer for each connection at most.
    limit = 64 * MIB + len(slow) * (LARGE + 2 * MIB)
    remains(lambda: memory_of(server) < limit, during=2, what=f"less than {limit} bytes")
    for connection in slow:
        connection.reset()
    eventually(lambda: memory_of(server) < 64 * MIB, within=10, what="the memory back")


def test_an_answer_that_is_read_slowly_comes_whole(serve):
    server = serve("large_answer")
    with server.connect(receive_buffer=4096, timeout=30) as connection:
        connection.send(request_bytes(json_body={"bytes": 5 * MIB}))
        server.has_read_all_of(connection)
        response = connection.receive()

    assert len(response.json()["text"]) == 5 * MIB


def test_a_client_that_reads_nothing_for_too_long_is_cut_off(serve):
    server = serve("large_answer", settings={"server.write_timeout": "500ms"})
    with server.connect(receive_buffer=4096) as connection:
        connection.send(request_bytes(json_body={"bytes": 20 * MIB}))
        server.has_read_all_of(connection)
        server.log.wait_for("^request$")
        eventually(
            lambda: len(descriptors(server.pid)) <= len(server.descriptors_at_start),
            what="the connection is closed",
        )
        with pytest.raises((AssertionError, ConnectionResetError)):
            connection.receive()
    assert server.post({"bytes": 1}).status == 200


def test_a_client_that_reads_slowly_but_steadily_is_not_cut_off(serve):
    """Slower than the kernel's buffers empty, but never silent for as long as the limit."""
    server = serve("large_answer", settings={"server.write_timeout": "800ms"})
    with server.connect(receive_buffer=65536, timeout=30) as connection:
        connection.send(request_bytes(json_body={"bytes": 8 * MIB}))
        received = 0
        end = time.monotonic() + 4.0
        while time.monotonic() < end:
            received += len(connection.socket.recv(50_000))
            time.sleep(0.1)  # The client's own pace: it is what is tested.
        while received < 8 * MIB:
            data = connection.socket.recv(1 << 20)
            assert data, f"cut off after {received}"
            received += len(data)


def test_a_client_that_pipelines_without_reading_is_not_read_without_end(serve):
    server = serve("large_answer", settings={"server.write_timeout": "30s"})
    before = server.resident_bytes()
    with server.connect(receive_buffer=4096) as connection:
        one = request_bytes(json_body={"bytes": 100_000}, headers={"X-Padding": "p" * 4000})
        sent = send_as_far_as_it_goes(connection, one * 10_000)
        assert sent < 20 * MIB
        assert server.post({"bytes": 1}).status == 200
        assert memory_of(server) - before < 64 * MIB
        connection.reset()


def test_a_worker_that_does_not_read_is_not_written_to_without_end(serve):
    server = serve(
        "large_answer",
        settings={"server.max_buffered": "64MiB", "pool.queue_timeout": "30s", "pool.request_timeout": "30s"},
    )
    worker = server.worker()
    body = b" " * (10 * MIB) + b"{}"
    os.kill(worker, signal.SIGSTOP)
    try:
        connections = [server.connect(timeout=30) for _ in range(12)]
        for connection in connections:
            send_as_far_as_it_goes(connection, request_bytes(body=body))
        # Twice what may be buffered: once as received, once on its way to the worker.
        limit = 64 * MIB + 2 * 64 * MIB
        remains(lambda: memory_of(server) < limit, during=1, what=f"less than {limit} bytes")
    finally:
        os.kill(worker, signal.SIGCONT)

    statuses = sorted(status_of(connection) for connection in connections)
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 4, statuses
    assert server.worker() == worker
    assert server.post({"bytes": 1}).status == 200
    eventually(lambda: memory_of(server) < 64 * MIB, within=10, what="the memory back")


def status_of(connection: Connection) -> int:
    with connection:
        return connection.receive().status


def test_large_bodies_go_to_the_worker_whole(serve):
    server = serve("echo", settings={"server.max_body": "64MiB"})
    body = bytes(range(256)) * (20 * MIB // 256)

    with server.connect(timeout=50) as connection:
        received = connection.request(body=body).json()["body"].encode("latin-1")

    assert received == body
