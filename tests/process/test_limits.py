"""The limits of the HTTP front, at both of their ends, and its time-outs."""

import time

import pytest

from support.http_client import Connection, chunked, request_bytes
from support.lambdapool import Lambdapool
from support.wait import eventually

GET_IT = b"POST /main HTTP/1.1\r\nHost: x\r\n"
MAX_BODY = 1000
MAX_TARGET = 300
MAX_FIELD = 256
MAX_HEAD = 2048
MAX_FIELDS = 10


@pytest.fixture(scope="module")
def narrow(serve_module) -> Lambdapool:
    return serve_module(
        "echo",
        settings={
            "server.max_body": MAX_BODY,
            "server.max_target": MAX_TARGET,
            "server.max_field": MAX_FIELD,
            "server.max_head": MAX_HEAD,
            "server.max_fields": MAX_FIELDS,
        },
    )


@pytest.fixture(scope="module")
def hasty(serve_module) -> Lambdapool:
    return serve_module(
        "sleeper",
        settings={
            "server.header_timeout": "400ms",
            "server.body_timeout": "400ms",
            "server.idle_timeout": "400ms",
        },
    )


@pytest.fixture(autouse=True)
def _checked(request):
    yield
    for name in ("narrow", "hasty"):
        if name in request.fixturenames:
            request.getfixturevalue(name).check()


def status_of(server: Lambdapool, data: bytes) -> int:
    with server.connect() as connection:
        connection.send(data)
        response = connection.receive()
        if response.status != 200:
            assert response.closes
            assert connection.is_closed()
        return response.status


# ---------------------------------------------------------------------- sizes


def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_413(narrow):
    assert status_of(narrow, request_bytes(body=b"x" * MAX_BODY)) == 200
    assert status_of(narrow, request_bytes(body=b"x" * (MAX_BODY + 1))) == 413


def test_a_length_over_the_limit_is_413_before_the_body_comes(narrow):
    assert status_of(narrow, GET_IT + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1)) == 413


def test_a_client_that_expects_100_is_told_413_instead(narrow):
    head = GET_IT + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1)
    with narrow.connect() as connection:
        connection.send(head)
        response = connection.receive()
    assert (response.status, response.interim) == (413, [])


@pytest.mark.parametrize("pieces", [1, 7, MAX_BODY])
def test_a_chunked_body_of_the_limit_is_taken_and_one_byte_more_is_413(narrow, pieces):
    def in_pieces(size: int) -> bytes:
        sizes = [size // pieces + (1 if piece < size % pieces else 0) for piece in range(pieces)]
        return chunked(*(b"x" * one for one in sizes if one))

    head = GET_IT + b"Transfer-Encoding: chunked\r\n\r\n"
    assert status_of(narrow, head + in_pieces(MAX_BODY)) == 200
    assert status_of(narrow, head + in_pieces(MAX_BODY + 1)) == 413


def test_a_target_of_the_limit_is_taken_and_one_byte_more_is_414(narrow):
    def with_target(size: int) -> bytes:
        return request_bytes(target="/main?".ljust(size, "q"))

    assert status_of(narrow, with_target(MAX_TARGET)) == 200
    assert status_of(narrow, with_target(MAX_TARGET + 1)) == 414


def test_a_target_without_an_end_is_414(narrow):
    assert status_of(narrow, b"POST /main?" + b"q" * 10_000) == 414


def test_a_line_over_the_limit_is_431(narrow):
    def with_line(size: int) -> bytes:
        return request_bytes(headers={"X-Long": "v" * (size - len("X-Long: "))})

    assert status_of(narrow, with_line(MAX_FIELD)) == 200
    assert status_of(narrow, with_line(MAX_FIELD + 1)) == 431


def test_a_long_name_counts_like_a_long_value(narrow):
    assert status_of(narrow, request_bytes(headers={"X" * (MAX_FIELD - 3): "v"})) == 200
    assert status_of(narrow, request_bytes(headers={"X" * (MAX_FIELD - 2): "v"})) == 431


def test_as_many_lines_as_the_limit_are_taken_and_one_more_is_431(narrow):
    def with_lines(count: int) -> bytes:
        # Host and Content-Length are two of them.
        return request_bytes(headers=[(f"X-{number}", "v") for number in range(count - 2)])

    assert status_of(narrow, with_lines(MAX_FIELDS)) == 200
    assert status_of(narrow, with_lines(MAX_FIELDS + 1)) == 431


def test_a_head_over_the_limit_is_431(narrow):
    def with_head(size: int) -> bytes:
        # Seven lines that are nearly full, and one that fills up the rest.
        lines = [(f"X-{number}", "v" * (MAX_FIELD - 10)) for number in range(7)]
        rest = size - len(request_bytes(headers=[*lines, ("X-8", "")]))
        return request_bytes(headers=[*lines, ("X-8", "v" * rest)])

    assert len(with_head(MAX_HEAD)) == MAX_HEAD
    assert status_of(narrow, with_head(MAX_HEAD)) == 200
    assert status_of(narrow, with_head(MAX_HEAD + 1)) == 431


def test_a_head_without_an_end_is_refused(narrow):
    with narrow.connect() as connection:
        connection.send(GET_IT + b"X: y\r\n" * 10_000)
        assert connection.receive().status == 431


def test_empty_lines_without_an_end_are_refused(narrow):
    with narrow.connect() as connection:
        connection.send(b"\r\n" * 10_000)
        connection.ends(within=5)


def test_chunk_extensions_and_trailers_without_an_end_are_refused(narrow):
    head = GET_IT + b"Transfer-Encoding: chunked\r\n\r\n"
    for flood in (
        b"5;a=" + b"b" * 100_000,
        b"1;a=bbbbbbbbbbbbbbbbbbbb\r\nx\r\n" * 900,
        b"0\r\n" + b"X-T: v\r\n" * 20_000,
        b"0\r\nX-T: " + b"v" * 100_000,
    ):
        with narrow.connect() as connection:
            connection.send(head + flood)
            assert connection.receive().status in (400, 413, 431), flood[:10]


def test_limits_hold_for_each_request_of_a_connection(narrow):
    with narrow.connect() as connection:
        for _ in range(20):
            assert connection.request(body=b"x" * MAX_BODY).status == 200
        assert connection.request(body=b"x" * (MAX_BODY + 1)).status == 413


# ---------------------------------------------------------------------- times


def test_a_head_that_does_not_come_to_its_end_is_408(hasty):
    with hasty.connect() as connection:
        connection.send(b"POST /main HTTP/1.1\r\nHost: x\r\n")
        began = time.monotonic()
        response = connection.receive(within=5)
        assert response.status == 408
        assert response.json()["error_code"] == 12046
        assert response.closes
        assert connection.is_closed()
    assert 0.2 < time.monotonic() - began < 2


def test_a_head_that_drips_is_408_all_the_same(hasty):
    with hasty.connect() as connection:
        began = time.monotonic()
        connection.socket.settimeout(0.05)
        data, answer = request_bytes(headers={"X-Long": "v" * 1000}), b""
        for place in range(len(data)):
            connection.send(data[place : place + 1])
            try:
                connection.socket.settimeout(0.05)
                answer = connection.socket.recv(100)
                break
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 2


def test_a_body_that_stops_is_408(hasty):
    with hasty.connect() as connection:
        connection.send(GET_IT + b"Content-Length: 10\r\n\r\nhalf")
        response = connection.receive(within=5)
        assert response.status == 408
        assert connection.is_closed()


def test_a_chunked_body_that_stops_is_408(hasty):
    with hasty.connect() as connection:
        connection.send(GET_IT + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        assert connection.receive(within=5).status == 408


def test_a_body_that_comes_slowly_but_steadily_is_taken(hasty):
    body = b'{"name": "slow"}'
    with hasty.connect() as connection:
        connection.send(GET_IT + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
        # Longer in all than the limit, with pauses that are shorter.
        for place in range(0, len(body), 4):
            connection.nothing_comes(during=0.15)
            connection.send(body[place : place + 4])
        assert connection.receive().json()["name"] == "slow"


def test_an_idle_connection_is_closed_without_a_word(hasty):
    with hasty.connect() as connection:
        assert connection.request(json_body={}).status == 200
        began = time.monotonic()
        assert connection.is_closed(within=5)
        assert 0.2 < time.monotonic() - began < 2


def test_a_connection_that_never_sends_is_closed(hasty):
    with hasty.connect() as connection:
        connection.ends(within=3)


def test_a_connection_that_waits_for_its_answer_is_not_idle(hasty):
    with hasty.connect() as connection:
        assert connection.request(json_body={"seconds": 1.0, "name": "long"}).json()["name"] == "long"


def test_slow_clients_cost_others_nothing(hasty):
    slow = [hasty.connect() for _ in range(100)]
    for connection in slow:
        connection.send(b"POST /main HTTP/1.1\r\nHost: x\r\nX-")

    began = time.monotonic()
    assert hasty.post({"name": "quick"}).json()["name"] == "quick"
    assert time.monotonic() - began < 0.5

    for connection in slow:
        assert connection.receive(within=5).status == 408
        connection.close()


# ---------------------------------------------------------------------- how many, how much


def test_as_many_connections_as_the_limit_are_served_and_one_more_is_not(serve):
    server = serve("echo", settings={"server.max_connections": 3})
    good = [server.connect() for _ in range(3)]
    for connection in good:
        assert connection.request().status == 200

    with server.connect() as extra:
        response = refused_or_answered(extra)
        assert response is None or response == 503
    for connection in good:
        assert connection.request().status == 200

    good.pop().close()
    eventually(lambda: can_be_served(server), what="a place after one has left")
    for connection in good:
        assert connection.request().status == 200
        connection.close()


def refused_or_answered(connection: Connection) -> int | None:
    """The status that a client over the limit is told, or None when it is only closed."""
    try:
        connection.send(request_bytes())
        data = connection.rest(within=5)
    except (ConnectionResetError, BrokenPipeError):
        return None
    return int(data.split(b" ")[1]) if data else None


def can_be_served(server: Lambdapool) -> bool:
    with server.connect() as connection:
        return refused_or_answered_open(connection)


def refused_or_answered_open(connection: Connection) -> bool:
    try:
        return connection.request().status == 200
    except (AssertionError, ConnectionError):
        return False


def test_bodies_over_the_limit_of_all_are_503(serve):
    server = serve(
        "sleeper", settings={"server.max_buffered": "100KiB", "server.max_body": "80KiB"}
    )
    padding = "x" * (70 * 1024)
    with server.connect() as first:
        first.send(request_bytes(json_body={"seconds": 1.0, "padding": padding}))
        server.log.wait_for("^begun$")
        refused = server.post({"padding": padding})
        assert refused.status == 503
        assert refused.header("Lambda-Error") == "buffers_full"
        assert refused.header("Retry-After")
        assert first.receive().status == 200

    assert server.post({"padding": padding}).status == 200
