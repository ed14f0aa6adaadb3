"""HTTP/1.1 as clients speak it, well and badly: connections, versions, targets, heads."""

import re

import pytest

from support.errors import assert_refused, refuse
from support.http_client import request_bytes

GET_IT = b"POST /main HTTP/1.1\r\nHost: x\r\n"


# ---------------------------------------------------------------------- connections


def test_a_connection_serves_many_requests(front):
    with front.connect() as connection:
        for number in range(20):
            response = connection.request(body=b"%d" % number)
            assert response.status == 200
            assert response.json()["body"] == str(number)
            assert not response.closes


def test_connection_close_is_honoured(front):
    for value in ("close", "Close", "keep-alive, close"):
        with front.connect() as connection:
            response = connection.request(headers={"Connection": value})
            assert response.status == 200
            assert response.closes
            assert connection.is_closed(within=2)


def test_bytes_after_a_closing_request_are_ignored(front):
    with front.connect() as connection:
        connection.send(request_bytes(headers={"Connection": "close"}) + b"garbage\0\0\r\n\r\n")
        assert connection.receive().status == 200
        connection.ends()


def test_pipelined_requests_are_answered_in_their_order(front):
    with front.connect() as connection:
        connection.send(b"".join(request_bytes(body=b"%d" % number) for number in range(10)))
        got = [connection.receive().json()["body"] for _ in range(10)]

    assert got == [str(number) for number in range(10)]


def test_pipelined_requests_are_answered_in_order_also_when_the_first_takes_longest(sleepy):
    with sleepy.connect() as connection:
        for number in range(10):
            order = {"name": number, "seconds": 0.2 if number % 5 == 0 else 0}
            connection.send(request_bytes(json_body=order))
        got = [connection.receive().json()["name"] for _ in range(10)]

    assert got == list(range(10))


def test_hundreds_of_pipelined_requests_are_all_answered(front):
    with front.connect(timeout=30) as connection:
        connection.send(request_bytes() * 500)
        for _ in range(500):
            assert connection.receive().status == 200


def test_a_good_request_before_a_bad_one_is_answered(front):
    with front.connect() as connection:
        connection.send(request_bytes(body=b"good") + b"BAD\r\n\r\n")
        assert connection.receive().json()["body"] == "good"
        assert_refused(connection, {400})


def test_a_slow_good_request_before_a_bad_one_is_answered(sleepy):
    with sleepy.connect() as connection:
        connection.send(request_bytes(json_body={"seconds": 0.2, "name": "good"}) + b"BAD\r\n\r\n")
        assert connection.receive().json()["name"] == "good"
        assert_refused(connection, {400})


def test_nothing_after_a_bad_request_is_served(front):
    with front.connect() as connection:
        connection.send(b"BAD\r\n\r\n" + request_bytes())
        assert connection.receive().status == 400
        connection.ends()


def test_a_client_that_half_closes_still_gets_its_answer(sleepy):
    with sleepy.connect() as connection:
        connection.send(request_bytes(json_body={"seconds": 0.3, "name": "half"}))
        connection.half_close()
        assert connection.receive().json()["name"] == "half"
        assert connection.is_closed(within=2)


def test_a_client_that_half_closes_within_a_request_gets_no_200(front):
    with front.connect() as connection:
        connection.send(request_bytes(body=b"0123456789")[:-3])
        connection.half_close()
        data = connection.rest(within=5)
    assert not data or re.match(rb"HTTP/1\.1 4\d\d ", data), data[:100]


def test_empty_lines_before_a_request_are_skipped(front):
    with front.connect() as connection:
        connection.send(b"\r\n\r\n" + request_bytes())
        assert connection.receive().status == 200


def test_every_answer_has_a_date_and_a_length(front):
    for response in (front.post(), front.request("GET", "/nothing")):
        assert re.fullmatch(
            r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
            response.header("Date") or "",
        )
        assert response.header("Content-Length") == str(len(response.body))


# ---------------------------------------------------------------------- versions


def test_http_1_0_closes_after_the_answer(front):
    with front.connect() as connection:
        response = connection.request(version="HTTP/1.0", host=None)
        assert response.status == 200
        assert connection.is_closed(within=2)


def test_http_1_0_with_keep_alive_stays_open(front):
    with front.connect() as connection:
        for _ in range(3):
            response = connection.request(version="HTTP/1.0", headers={"Connection": "keep-alive"})
            assert response.status == 200
            assert (response.header("Connection") or "").lower() == "keep-alive"


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/3.0", b"HTTP/0.9"])
def test_another_version_is_505(front, version):
    refuse(front, b"POST /main " + version + b"\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 505)


def test_the_preface_of_http_2_is_refused(front):
    refuse(front, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 501, 505)


@pytest.mark.parametrize(
    "version", [b"http/1.1", b"HTTP/1", b"HTTP/11", b"HTTP/1.10", b"RTSP/1.0", b"ICE/1.0", b"HTTP/1.1 x"]
)
def test_what_is_no_version_is_refused(front, version):
    refuse(front, b"POST /main " + version + b"\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 400, 505)


def test_a_request_without_a_version_is_refused(front):
    refuse(front, b"GET /main\r\n\r\n", 400, 505)


# ---------------------------------------------------------------------- methods and targets


@pytest.mark.parametrize("method", [b"FOO", b"post", b"BREW"])
def test_an_unknown_method_is_501(front, method):
    with front.connect() as connection:
        connection.send(method + b" /main HTTP/1.1\r\nHost: x\r\n\r\n")
        response = connection.receive()
    assert response.status == 501
    assert response.json()["error_code"] == 12046


def test_connect_is_refused(front):
    with front.connect() as connection:
        connection.send(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
        assert connection.receive().status in (400, 404, 405, 501)


def test_an_upgrade_is_declined_and_the_next_request_answered(front):
    upgrade = request_bytes(headers={"Connection": "Upgrade", "Upgrade": "websocket"}, body=b"one")
    with front.connect() as connection:
        connection.send(upgrade + request_bytes(body=b"two"))
        assert connection.receive().json()["body"] == "one"
        assert connection.receive().json()["body"] == "two"


def test_an_absolute_target_is_served(front):
    response = front.request("POST", "http://example.com/main?a=1")

    assert response.status == 200
    assert response.json()["path"] == "/main"
    assert response.json()["args"] == {"a": ["1"]}


def test_a_query_reaches_the_lambda(front):
    response = front.request("POST", "/main?a=1&a=2&b=%C3%BC&empty=")

    args = response.json()["args"]
    assert args["a"] == ["1", "2"]
    assert args["b"] == ["\u00fc"]
    assert response.json()["query"] == "a=1&a=2&b=%C3%BC&empty="


@pytest.mark.parametrize(
    "target", [b"main", b"*", b"example.com:80", b"/main#part", b"/ma in", b"/m\xc3\xa4in", b"/m\x7fain", b""]
)
def test_a_target_that_is_none_is_400(front, target):
    refuse(front, b"POST " + target + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")


# ---------------------------------------------------------------------- heads

BAD_HEADS = {
    "no colon": b"Host: x\r\nnothing\r\n",
    "blank before the colon": b"Host: x\r\nName : value\r\n",
    "blank in a name": b"Host: x\r\nTwo words: value\r\n",
    "empty name": b"Host: x\r\n: value\r\n",
    "folded line": b"Host: x\r\nName: one\r\n two\r\n",
    "folded first line": b" Name: one\r\nHost: x\r\n",
    "folded with a tab": b"Host: x\r\nName: one\r\n\ttwo\r\n",
    "NUL in a value": b"Host: x\r\nName: a\0b\r\n",
    "NUL in a name": b"Host: x\r\nNa\0me: a\r\n",
    "bare CR in a value": b"Host: x\r\nName: a\rb\r\n",
    "bare LF after a line": b"Host: x\r\nName: a\nOther: b\r\n",
    "a byte over 127 in a name": b"Host: x\r\nN\xe4me: a\r\n",
    "no host": b"Name: a\r\n",
    "two hosts": b"Host: x\r\nHost: x\r\n",
    "two different hosts": b"Host: x\r\nHost: y\r\n",
    "host with a blank": b"Host: a b\r\n",
    "host with a path": b"Host: a/b\r\n",
    "host with a user": b"Host: u@a\r\n",
    "host with a bad port": b"Host: a:port\r\n",
    "host with two ports": b"Host: a:1:2\r\n",
    "host list": b"Host: a, b\r\n",
}


@pytest.mark.parametrize("head", BAD_HEADS.values(), ids=BAD_HEADS.keys())
def test_a_bad_head_is_400(front, head):
    refuse(front, b"POST /main HTTP/1.1\r\n" + head + b"Content-Length: 0\r\n\r\n")


BAD_LINES = {
    "two blanks": b"POST  /main HTTP/1.1\r\n",
    "two blanks before the version": b"POST /main  HTTP/1.1\r\n",
    "a tab": b"POST\t/main HTTP/1.1\r\n",
    "a blank first": b" POST /main HTTP/1.1\r\n",
    "a blank last": b"POST /main HTTP/1.1 \r\n",
    "bare LF": b"POST /main HTTP/1.1\n",
    "bare CR": b"POST /main HTTP/1.1\r",
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_request_line_is_400(front, line):
    with front.connect() as connection:
        connection.send(line + b"Host: x\r\nContent-Length: 0\r\n\r\n")
        response = connection.receive()
    # What stands where the method should be may be told as an unknown method.
    assert response.status in ((400, 501) if line[:1] == b" " or b"\t" in line else (400,))


def test_a_head_that_ends_with_bare_lf_is_400(front):
    refuse(front, b"POST /main HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\n")


@pytest.mark.parametrize("host", ["example.com", "example.com:8000", "127.0.0.1", "[::1]:80", "a_b-c.d~e"])
def test_a_good_host_is_taken(front, host):
    assert front.request(host=host).status == 200


def test_header_values_reach_the_lambda_byte_for_byte(front):
    value = bytes(range(0x80, 0x100)) + b" \t!~"
    with front.connect() as connection:
        connection.send(GET_IT + b"Content-Length: 0\r\nX-Odd: " + value + b"\r\n\r\n")
        headers = connection.receive().json()["headers"]

    assert dict((name.lower(), text) for name, text in headers)["x-odd"] == value.decode("latin-1")


def test_repeated_headers_reach_the_lambda_in_their_order(front):
    pairs = [("X-A", "1"), ("X-B", "2"), ("x-a", "3"), ("X-A", "")]

    headers = front.post(headers=pairs).json()["headers"]

    assert [value for name, value in headers if name.lower() == "x-a"] == ["1", "3", ""]


def test_blanks_around_a_value_are_no_part_of_it(front):
    with front.connect() as connection:
        connection.send(GET_IT + b"Content-Length: 0\r\nX-A:  \t one two \t \r\nX-B:none\r\n\r\n")
        headers = dict((k.lower(), v) for k, v in connection.receive().json()["headers"])

    assert headers["x-a"] == "one two"
    assert headers["x-b"] == "none"


def test_a_request_survives_coming_byte_by_byte(front):
    data = request_bytes(target="/main?a=1", headers={"X-A": "b"}, body=b"byte by byte")
    with front.connect() as connection:
        for place in range(len(data)):
            connection.send(data[place : place + 1])
            front.has_read_all_of(connection)
        response = connection.receive()

    assert response.json()["body"] == "byte by byte"
    assert response.json()["args"] == {"a": ["1"]}


def test_bytes_that_make_no_sense_never_hurt_the_server(front):
    worker = front.worker()
    for garbage in (b"\0" * 1000, b"\xff" * 1000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
                    b"GET " + b"/" * 100, b"\r\n" * 10, b"POST /main HTTP/1.1\r\n" * 5, b"\r" * 100):
        with front.connect() as connection:
            connection.send(garbage)
            connection.half_close()
            connection.ends(within=5)
    assert front.post().status == 200
    assert front.worker() == worker
