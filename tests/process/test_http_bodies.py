"""Bodies of requests: their framing, which is where requests are smuggled, and expectations."""

import json

import pytest

from support.errors import refuse
from support.http_client import chunked, request_bytes

GET_IT = b"POST /main HTTP/1.1\r\nHost: x\r\n"


def test_a_body_by_length_reaches_the_lambda(front):
    body = bytes(range(256)) * 300

    assert front.post(body=body).json()["body"].encode("latin-1") == body


def test_a_chunked_body_reaches_the_lambda(front):
    pieces = [b"one", b" ", b"two" * 1000, b"\0\r\n"]
    with front.connect() as connection:
        connection.send(GET_IT + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*pieces))
        assert connection.receive().json()["body"] == b"".join(pieces).decode("latin-1")
        assert connection.request(body=b"next").json()["body"] == "next"


def test_a_chunked_body_survives_every_split(front):
    data = GET_IT + b"transfer-encoding: Chunked\r\n\r\n"
    data += b"5;name=value\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX-Trailer: ignored\r\n\r\n"
    start = data.index(b"\r\n\r\n") + 4
    with front.connect() as connection:
        for place in range(start, len(data)):
            connection.send(data[:place])
            front.has_read_all_of(connection)
            connection.send(data[place:])
            assert connection.receive().json()["body"] == "hello0123456789", place


def test_trailers_are_no_headers(front):
    with front.connect() as connection:
        body = chunked(b"body", trailers=b"X-Trailer: 1\r\n")
        connection.send(GET_IT + b"Transfer-Encoding: chunked\r\n\r\n" + body)
        headers = connection.receive().json()["headers"]

    assert "x-trailer" not in [name.lower() for name, _ in headers]


def test_a_request_without_length_has_no_body(front):
    with front.connect() as connection:
        connection.send(GET_IT + b"\r\n" + request_bytes(body=b"second"))
        assert connection.receive().json()["body"] == ""
        assert connection.receive().json()["body"] == "second"


BAD_FRAMINGS = {
    "length and chunked": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "two different lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "list of lengths": b"Content-Length: 5, 5\r\n\r\nhello",
    "signed length": b"Content-Length: +5\r\n\r\nhello",
    "negative length": b"Content-Length: -1\r\n\r\n",
    "hexadecimal length": b"Content-Length: 0x5\r\n\r\nhello",
    "length with a blank": b"Content-Length: 5 5\r\n\r\nhello",
    "empty length": b"Content-Length: \r\n\r\n",
    "fraction": b"Content-Length: 5.0\r\n\r\nhello",
}


@pytest.mark.parametrize("framing", BAD_FRAMINGS.values(), ids=BAD_FRAMINGS.keys())
def test_a_bad_framing_is_400(front, framing):
    refuse(front, GET_IT + framing)


@pytest.mark.parametrize("length", [b"18446744073709551616", b"9" * 40])
def test_a_length_that_is_no_number_of_ours_is_refused(front, length):
    refuse(front, GET_IT + b"Content-Length: " + length + b"\r\n\r\n", 400, 413)


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"foo"])
def test_another_transfer_encoding_is_501(front, encoding):
    refuse(front, GET_IT + b"Transfer-Encoding: " + encoding + b"\r\n\r\n0\r\n\r\n", 501)


@pytest.mark.parametrize(
    "encoding",
    [
        b"",
        b"\r\nContent-Length: 5",
        b"chunked, gzip",
        b"gzip, chunked",
        b"chunked, chunked",
        b"identity",
        b"chunked,",
        b", chunked",
        b"xchunked",
        b"chunked x",
        b'"chunked"',
        b"chunked\r\nTransfer-Encoding: chunked",
        b"chunked\r\nTransfer-Encoding: gzip",
    ],
)
def test_a_list_of_transfer_encodings_is_refused(front, encoding):
    refuse(front, GET_IT + b"Transfer-Encoding: " + encoding + b"\r\n\r\n0\r\n\r\n", 400, 501)


def test_chunked_in_http_1_0_is_400(front):
    refuse(front, b"POST /main HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")


BAD_CHUNKS = {
    "no number": b"x\r\nhello\r\n0\r\n\r\n",
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "prefixed": b"0x5\r\nhello\r\n0\r\n\r\n",
    "empty size": b"\r\nhello\r\n0\r\n\r\n",
    "blank first": b" 5\r\nhello\r\n0\r\n\r\n",
    "data longer than the size": b"4\r\nhello\r\n0\r\n\r\n",
    "data shorter than the size": b"6\r\nhello\r\n0\r\n\r\n",
    "bare LF after the size": b"5\nhello\r\n0\r\n\r\n",
    "bare LF after the data": b"5\r\nhello\n0\r\n\r\n",
    "bare CR after the size": b"5\rhello\r\n0\r\n\r\n",
    "extension without a name": b"5;=x\r\nhello\r\n0\r\n\r\n",
    "size over 64 bits": b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "length in the trailer": b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    "encoding in the trailer": b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "host in the trailer": b"5\r\nhello\r\n0\r\nHost: y\r\n\r\n",
    "folded trailer": b"5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n",
    "bare LF at the end": b"5\r\nhello\r\n0\r\n\n",
}


@pytest.mark.parametrize("body", BAD_CHUNKS.values(), ids=BAD_CHUNKS.keys())
def test_a_bad_chunk_is_400(front, body):
    refuse(front, GET_IT + b"Transfer-Encoding: chunked\r\n\r\n" + body, 400, 413)


# ---------------------------------------------------------------------- expectations

EXPECTING = GET_IT + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"


def test_100_continue_comes_before_the_body_is_sent(front):
    with front.connect() as connection:
        connection.send(EXPECTING)
        assert connection.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(b"hello")
        response = connection.receive()

    assert (response.status, response.interim) == (200, [])
    assert response.json()["body"] == "hello"


def test_100_continue_does_not_come_when_the_body_is_there(front):
    with front.connect() as connection:
        connection.send(EXPECTING + b"hello")
        response = connection.receive()

    assert (response.status, response.interim) == (200, [])


def test_100_continue_does_not_come_for_http_1_0(front):
    with front.connect() as connection:
        connection.send(EXPECTING.replace(b"HTTP/1.1", b"HTTP/1.0"))
        front.has_read_all_of(connection)
        connection.nothing_comes(during=0.2)
        connection.send(b"hello")
        response = connection.receive()

    assert (response.status, response.interim) == (200, [])


def test_100_continue_waits_for_the_answers_before_it(sleepy):
    body = json.dumps({"name": "second"}).encode()
    head = GET_IT + b"Expect: 100-Continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    with sleepy.connect() as connection:
        connection.send(request_bytes(json_body={"seconds": 0.2, "name": "first"}) + head)
        first = connection.receive()
        assert (first.json()["name"], first.interim) == ("first", [])
        connection.send(body)
        assert connection.receive().json()["name"] == "second"


def test_another_expectation_is_417(front):
    with front.connect() as connection:
        connection.send(GET_IT + b"Content-Length: 5\r\nExpect: a-miracle\r\n\r\n")
        response = connection.receive()

    assert response.status == 417
    assert response.json()["error_code"] == 12046
