"""Answers that are sent while they are made."""

import socket

import pytest

from support.http_client import Connection, request_bytes
from support.lambdapool import Lambdapool
from support.wait import eventually, remains

BLOCK = 65536


@pytest.fixture
def streams(serve) -> Lambdapool:
    return serve("streams")


def get(connection: Connection, target: str, version: str = "HTTP/1.1") -> None:
    connection.send(request_bytes("GET", target, version=version))


def read_until(connection: Connection, marker: bytes) -> bytes:
    """What has come, up to and with the marker."""
    seen = b""
    while marker not in seen:
        piece = connection.socket.recv(65536)
        assert piece, seen
        seen += piece
    return seen


def read_until_last_chunk(connection: Connection) -> bytes:
    pieces = [connection.socket.recv(1 << 20)]
    while not pieces[-1].endswith(b"0\r\n\r\n"):
        pieces.append(connection.socket.recv(1 << 20))
    return b"".join(pieces)


def read_to_end(connection: Connection) -> bytes:
    seen = b""
    while piece := connection.socket.recv(65536):
        seen += piece
    return seen


def test_the_beginning_comes_before_the_end_is_made(streams):
    with streams.connect() as connection:
        get(connection, "/steps/a")
        seen = read_until(connection, b"5\r\nfirst\r\n")
        assert b"Transfer-Encoding: chunked" in seen and b"second" not in seen

        assert streams.request("POST", "/open/a").status == 204

        assert read_until(connection, b"0\r\n\r\n").startswith(b"6\r\nsecond\r\n")
        get(connection, "/steps/b")  # The connection goes on.
        read_until(connection, b"first")
        streams.request("POST", "/open/b")
        read_until(connection, b"0\r\n\r\n")


def test_an_http_1_0_client_gets_the_bytes_and_the_end_of_the_connection(streams):
    with streams.connect() as connection:
        get(connection, "/steps/a", version="HTTP/1.0")
        read_until(connection, b"\r\n\r\nfirst")
        streams.request("POST", "/open/a")

        assert read_to_end(connection) == b"second"


def test_a_client_that_does_not_read_makes_the_lambda_wait(streams):
    before = streams.resident_bytes()
    with streams.connect(receive_buffer=BLOCK) as connection:
        get(connection, "/flood/2000")
        streams.log.wait_for("^sent 4$")
        sent = lambda: len(streams.log.find("^sent "))  # noqa: E731
        eventually(lambda: _stands_still(sent), within=20)
        assert sent() < 2000
        assert streams.post().status == 200
        assert streams.resident_bytes() < before + (16 << 20)

        assert len(read_until_last_chunk(connection)) > 2000 * BLOCK
    assert len(streams.log.find("^sent ")) == 2000


def _stands_still(count) -> bool:
    at = count()
    remains(lambda: count() == at, during=0.3)
    return True


def test_a_client_that_leaves_ends_the_stream(streams):
    connection = streams.connect()
    get(connection, "/steps/left")
    read_until(connection, b"first")

    connection.reset()

    streams.log.wait_for("^cancelled left$")


def test_a_client_that_closes_while_a_stream_stands_still_ends_it(streams):
    with streams.connect() as connection:
        get(connection, "/steps/closed")
        read_until(connection, b"first\r\n")
    # Only its end can be seen, as of one that has ended its side and still reads.

    streams.log.wait_for("^cancelled closed$")
    (record,) = streams.log.wait_for("^request$", target="/steps/closed")
    assert record["error"] == "client_left"


def test_a_client_that_ends_its_side_gets_the_whole_stream(streams):
    with streams.connect() as connection:
        get(connection, "/steps/half")
        read_until(connection, b"first\r\n")
        connection.half_close()
        assert connection.socket.recv(1) == b"0"  # It is asked for whether it is there.
        connection.nothing_comes(during=0.5)
        streams.request("POST", "/open/half")

        assert read_to_end(connection) == b"6\r\nsecond\r\n0\r\n\r\n"
    assert streams.log.find("^cancelled") == []


@pytest.mark.parametrize("target", ["/dies", "/raises"])
def test_a_stream_that_breaks_off_is_not_taken_for_whole(streams, target):
    streams.allow(".")
    worker = streams.worker()
    with streams.connect() as connection:
        get(connection, target)
        seen = read_until(connection, b"a part\r\n")
        seen += read_to_end(connection)
    assert not seen.endswith(b"0\r\n\r\n")
    if target == "/dies":
        streams.wait_for_replacement_of(worker)
    (record,) = streams.log.wait_for("^request$", target=target)
    assert record.get("error") == "stream_cut"


def test_an_http_1_0_client_sees_a_reset_when_a_stream_breaks_off(streams):
    streams.allow(".")
    with streams.connect() as connection:
        get(connection, "/raises", version="HTTP/1.0")
        with pytest.raises((ConnectionResetError, socket.error)):
            read_until(connection, b"never")


def test_head_of_a_streamed_get_is_not_allowed_as_none_is_declared(streams):
    response = streams.request("HEAD", "/steps/a")

    assert (response.status, response.header("Allow")) == (405, "GET")


def test_a_stop_lets_a_stream_come_to_its_end(streams):
    with streams.connect() as connection:
        get(connection, "/steps/a")
        read_until(connection, b"first")
        gate = streams.connect()
        gate.send(b"POST /open/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
        # A request that the server has not seen the beginning of is none: its connection would be closed as idle.
        streams.has_read_all_of(gate)
        streams.send_signal(15)
        streams.log.wait_for("^stopping$")

        gate.send(b"x")

        assert read_until(connection, b"0\r\n\r\n").endswith(b"6\r\nsecond\r\n0\r\n\r\n")
    streams.wait_for_exit()
