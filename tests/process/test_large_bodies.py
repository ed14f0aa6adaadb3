"""Bodies that do not fit a frame of the channel: in memory that is shared with the worker, and in many pieces."""

import hashlib
import json
import os
import socket
import threading
from contextlib import ExitStack

import pytest

from support import processes
from support.http_client import chunked, request_bytes
from support.wait import eventually

KIB, MIB = 1 << 10, 1 << 20
# Larger ones are put into shared memory; see supervisor/pool/body_memory.h.
LARGEST_IN_FRAME = 16 * KIB
PATTERN = bytes(range(251))
# Responses of this size and more are put there, up to all there is; see worker/channel/answer_memory.h.
LEAST_ANSWER, ANSWERS = 32 * KIB, 64 * MIB
SIZES = [0, 1, LARGEST_IN_FRAME - 1, LARGEST_IN_FRAME, LARGEST_IN_FRAME + 1, 64 * KIB, 64 * KIB + 1, MIB, 5 * MIB + 3]
ANSWER_SIZES = [*SIZES, LEAST_ANSWER - 1, LEAST_ANSWER, LEAST_ANSWER + 1, ANSWERS, ANSWERS + 1]


def made(count: int) -> bytes:
    return (PATTERN * (count // len(PATTERN) + 1))[:count]


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def bodies_held(pid: int) -> int:
    return sum("lambdapool-body" in target for target in processes.descriptors(pid).values())


def assert_digested(response, body: bytes) -> None:
    assert response.json() == {"type": "bytes", "length": len(body), "sha256": digest(body)}


@pytest.fixture(scope="module")
def server(serve_module):
    return serve_module("bodies")


@pytest.mark.parametrize("size", SIZES)
def test_a_request_body_reaches_the_lambda_byte_by_byte(server, size):
    body = os.urandom(size)

    assert_digested(server.post(body=body), body)


@pytest.mark.parametrize("size", ANSWER_SIZES)
def test_a_response_body_reaches_the_client_byte_by_byte(server, size):
    assert server.request("GET", f"/bytes/{size}", timeout=60.0).body == made(size)


def test_large_responses_to_requests_sent_ahead_come_in_their_order(server):
    sizes = [3 * MIB, 10, 100_000, 12 * MIB, 0, LEAST_ANSWER, 7 * MIB]
    with server.connect(timeout=60.0) as connection:
        connection.send(b"".join(request_bytes("GET", f"/bytes/{size}") for size in sizes))
        for size in sizes:
            assert connection.receive().body == made(size)


def test_a_large_response_ends_with_its_connection_when_that_is_asked_for(server):
    with server.connect(timeout=60.0) as connection:
        connection.send(f"GET /bytes/{8 * MIB} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert connection.receive().body == made(8 * MIB)
        assert connection.is_closed()


@pytest.mark.parametrize("size", SIZES)
def test_a_chunked_body_of_any_length_reaches_the_lambda(server, size):
    body = os.urandom(size)
    pieces = [body[at : at + 50_001] for at in range(0, size, 50_001)]
    with server.connect() as connection:
        connection.send(b"POST /main HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(*pieces))
        assert_digested(connection.receive(), body)


def test_requests_sent_ahead_are_not_mixed_with_the_body_before_them(server):
    bodies = [os.urandom(size) for size in (300_000, 10, 200_000, 0, 16_385)]
    with server.connect() as connection:
        sender = threading.Thread(
            target=connection.send, args=(b"".join(request_bytes(body=body) for body in bodies),)
        )
        sender.start()
        for body in bodies:
            assert_digested(connection.receive(), body)
        sender.join()


def test_a_body_that_is_sent_back_is_the_same(server):
    body = os.urandom(3 * MIB)

    assert server.request("POST", "/mirror", body=body).body == body


def test_a_head_request_gets_no_byte_of_a_large_body(server):
    with server.connect() as connection:
        response = connection.request("HEAD", "/head/1000000")
        assert (response.status, response.header("content-length")) == (200, "1000000")
        body = os.urandom(100_000)
        assert_digested(connection.request(body=body), body)


def test_a_response_of_50_mib_is_whole(server):
    assert server.request("GET", f"/bytes/{50 * MIB}", timeout=60.0).body == made(50 * MIB)


@pytest.mark.bound(120)
def test_a_request_of_as_much_as_is_allowed_is_taken_and_a_byte_more_is_not(server):
    body = bytes(100 * MIB)

    assert server.post(body=body, timeout=60.0).json()["length"] == 100 * MIB
    with server.connect() as connection:
        connection.send(f"POST /main HTTP/1.1\r\nHost: x\r\nContent-Length: {100 * MIB + 1}\r\n\r\n".encode())
        assert connection.receive().status == 413


def test_a_body_that_the_lambda_keeps_stays_what_it_is(server):
    bodies = [os.urandom(200_000) for _ in range(10)]

    for count, body in enumerate(bodies, 1):
        assert server.request("POST", "/keep", body=body).json() == [digest(one) for one in bodies[:count]]


@pytest.mark.bound(120)
def test_many_at_once_get_their_own(serve):
    server = serve("bodies", workers=2)
    wrong: list[str] = []

    def client(number: int) -> None:
        try:
            with server.connect(timeout=60.0) as connection:
                for turn in range(6):
                    body = os.urandom(20_000 + 150_000 * ((number + turn) % 4))
                    if connection.request("POST", "/mirror", body=body).body != body:
                        wrong.append(f"client {number}, turn {turn}")
        except Exception as error:
            wrong.append(f"client {number}: {error!r}")

    clients = [threading.Thread(target=client, args=(number,)) for number in range(20)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert not wrong


def test_clients_that_leave_in_the_middle_of_a_body_leave_nothing_behind(serve):
    server = serve("bodies")
    server.post(body=bytes(MIB))
    for _ in range(50):
        with server.connect() as connection:
            connection.send(b"POST /main HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + bytes(300_000))
            server.has_read_all_of(connection)

    eventually(lambda: bodies_held(server.pid) == 0, within=20.0, what="memory is given back")
    assert server.post(body=bytes(MIB)).json()["length"] == MIB


def test_clients_that_leave_in_the_middle_of_a_response_leave_nothing_behind(serve):
    server = serve("bodies")
    before = len(processes.descriptors(server.pid))
    for _ in range(20):
        with server.connect() as connection:
            connection.send(request_bytes("GET", f"/bytes/{5 * MIB}"))
            connection.reset()

    eventually(lambda: len(processes.descriptors(server.pid)) <= before, within=20.0, what="closed")
    assert server.request("GET", "/bytes/100000").body == made(100_000)


def test_clients_that_do_not_read_their_large_responses_do_not_hold_up_the_others(serve):
    server = serve("bodies", settings={"server.write_timeout": "60s"})
    slow = [server.connect(receive_buffer=4096, timeout=60.0) for _ in range(8)]
    for connection in slow:
        connection.send(request_bytes("GET", f"/bytes/{12 * MIB}"))

    for _ in range(3):
        assert server.request("GET", f"/bytes/{12 * MIB}", timeout=60.0).body == made(12 * MIB)
    for connection in slow:
        assert connection.receive().body == made(12 * MIB)
        connection.close()


@pytest.mark.bound(120)
def test_a_large_response_is_whole_although_its_worker_dies_before_it_is_read(serve):
    server = serve("bodies")
    server.allow(".")
    with server.connect(receive_buffer=4096, timeout=60.0) as slow:
        slow.send(request_bytes("GET", f"/bytes/{20 * MIB}"))
        # Its head has come, so the whole of it is out of the worker's hands.
        slow.socket.settimeout(30.0)
        assert slow.socket.recv(1, socket.MSG_PEEK)
        assert server.request("POST", "/die", body=b"").status == 500

        assert slow.receive().body == made(20 * MIB)
    assert server.request("GET", f"/bytes/{MIB}", timeout=60.0).body == made(MIB)


def test_memory_of_large_responses_is_given_back_after_a_peak(serve):
    server = serve("bodies")
    assert server.request("GET", f"/bytes/{40 * MIB}", timeout=60.0).body == made(40 * MIB)

    def held() -> int:
        (number,) = [n for n, target in processes.descriptors(server.pid).items() if "lambdapool-answers" in target]
        return os.stat(f"/proc/{server.pid}/fd/{number}").st_blocks * 512

    eventually(lambda: held() == 0, within=20.0, what="memory is given back")
    assert server.request("GET", f"/bytes/{MIB}").body == made(MIB)


def test_memory_is_given_back_after_a_peak(serve):
    server = serve("bodies")
    server.post(body=bytes(20 * MIB))

    eventually(lambda: bodies_held(server.pid) == 0, within=20.0, what="memory is given back")
    assert bodies_held(server.worker()) == 0


def test_a_request_whose_client_leaves_does_not_have_its_memory_used_again(serve):
    server = serve("bodies")
    server.allow("client_left", "cancel")
    waiting = server.connect()
    waiting.send(request_bytes("POST", "/wait", body=os.urandom(100_000)))
    server.has_read_all_of(waiting)
    waiting.reset()
    body = os.urandom(100_000)

    assert_digested(server.post(body=body), body)


@pytest.mark.bound(240)
def test_300_workers_that_die_with_a_body_in_their_hands_leave_nothing_behind(serve):
    server = serve(
        "bodies",
        settings={"pool.restart_backoff": "1ms", "pool.restart_backoff_max": "2ms", "quarantine.deaths": 0},
    )
    server.allow(".")
    before = len(processes.descriptors(server.pid))
    for number in range(300):
        assert server.request("POST", "/die", body=bytes(20_000 + number), timeout=30.0).status == 500

    body = os.urandom(500_000)
    assert_digested(server.post(body=body, timeout=30.0), body)
    server.wait_for_workers(1)
    eventually(lambda: bodies_held(server.pid) == 0, within=20.0, what="memory is given back")
    eventually(lambda: len(processes.descriptors(server.pid)) <= before + 1, within=20.0, what="closed")


@pytest.mark.parametrize("bytes_", [MIB - 1, MIB, 2 * MIB])
def test_large_bodies_that_a_worker_finds_all_at_once_are_all_answered(serve, make_lambda, bytes_):
    folder = make_lambda("""
        import time

        async def main(request):
            if not request.body:
                time.sleep(0.3)  # Meanwhile the others come.
            return {"length": len(request.body), "first": request.body[:1].hex()}
    """)
    server = serve(folder)
    with ExitStack() as opened:
        blocking = opened.enter_context(server.connect())
        blocking.send(request_bytes("POST", "/main", body=b""))
        connections = [opened.enter_context(server.connect()) for _ in range(12)]
        for number, one in enumerate(connections):
            one.send(request_bytes("POST", "/main", body=bytes([number]) * bytes_))
        assert blocking.receive().status == 200
        for number, one in enumerate(connections):
            assert json.loads(one.receive().body) == {"length": bytes_, "first": f"{number:02x}"}


def test_a_worker_without_a_free_descriptor_answers_that_it_cannot_take_the_body(serve, tmp_path):
    folder = tmp_path / "greedy"
    folder.mkdir()
    (folder / "lambda_main.py").write_text(
        "import os\n"
        "HELD = []\n"
        "async def main(request):\n"
        "    if not request.body:\n"
        "        try:\n"
        "            while True:\n"
        "                HELD.append(os.open('/dev/null', os.O_RDONLY))\n"
        "        except OSError:\n"
        "            return {'held': len(HELD)}\n"
        "    if request.body == b'close':\n"
        "        os.close(HELD.pop())\n"
        "    return {'length': len(request.body)}\n"
    )
    server = serve(folder, settings={"worker.open_files": 100})
    server.allow(".")
    assert server.post(body=b"").json()["held"] > 0

    response = server.post(body=bytes(100_000))

    assert response.status == 500
    assert "could not be received: OSError: [Errno 24]" in json.loads(response.body)["detail"]
    assert server.post(body=bytes(1000)).json() == {"length": 1000}
    # There is room again.
    assert server.post(body=b"close").json() == {"length": 5}
    assert server.post(body=bytes(100_000)).json() == {"length": 100_000}


TOO_LARGE = """
from luna_lambda_tools import LambdaUserHandler

class Odd(LambdaUserHandler):
    route = "/odd/<what:str>"

    async def get(self, what):
        if what == "headers":
            return self.sendResponse(headers=[(f"X-{number}", "v") for number in range(1025)])
        if what == "header":
            return self.sendResponse(headers={"X-A": "v" * (512 * 1024)})
        return self.sendResponse(body=bytes(256 * 1024 * 1024 + 1))

ROUTES_TO_ADD = [Odd]

async def main(request):
    return 1
"""


@pytest.mark.parametrize("what", ["headers", "header", "body"])
def test_a_response_that_is_too_large_is_an_error_of_its_handler(serve, make_lambda, what):
    server = serve(make_lambda(TOO_LARGE))
    server.allow("^Odd.get: the response is too large")

    response = server.request("GET", f"/odd/{what}", timeout=30)

    assert (response.status, response.header("Lambda-Error")) == (500, "bad_result"), response
    assert response.json()["detail"].startswith("Odd.get: the response is too large: ")
    assert server.post({}).json() == 1
