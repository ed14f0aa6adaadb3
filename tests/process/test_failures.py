"""What a client is told when its request cannot be served, or the lambda fails."""

import time
import uuid

import pytest

from support.errors import REQUEST_ID, assert_error
from support.lambdapool import Lambdapool

@pytest.fixture(scope="module")
def raises(serve_module):
    server = serve_module("raises")
    server.allow(".")  # Unexpected exceptions are errors in the log; what they say is tested here.
    return server


@pytest.fixture(scope="module")
def answers(serve_module):
    server = serve_module("answers")
    server.allow("^result")  # What is wrong with a result is an error in the log as well.
    return server


@pytest.fixture(autouse=True)
def _checked(request: pytest.FixtureRequest):
    yield
    for name in ("raises", "answers", "echo"):
        if name in request.fixturenames:
            server: Lambdapool = request.getfixturevalue(name)
            server.check()


@pytest.fixture(scope="module")
def echo(serve_module):
    return serve_module("echo", settings={"lambda.version": "7.1", "server.max_body": "1KiB"})


# ---------------------------------------------------------------------- the host's own answers


def test_a_path_that_nothing_serves_is_404(echo):
    assert_error(echo.request("GET", "/nothing"), 404, 12013, "not_found", "Page not found")


def test_another_method_is_405_with_the_allowed_ones(echo):
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
        response = echo.request(method, "/main")
        assert_error(response, 405, 12021, "method_not_allowed", "Method not allowed")
        assert "POST" in [one.strip() for one in (response.header("Allow") or "").split(",")]


def test_head_is_answered_like_get_without_a_body(echo):
    with echo.connect() as connection:
        response = connection.request("HEAD", "/main")
        assert response.status == 405
        assert response.header("Allow")
        # Whatever was left of a body would be read as the next answer.
        assert connection.request("POST", "/main").status == 200


def test_a_body_over_the_limit_is_413(echo):
    response = echo.post(body=b"x" * 1025)
    assert_error(response, 413, 37003, "body_too_large", ".")


def test_bytes_that_are_no_http_are_400(echo):
    with echo.connect() as connection:
        connection.send(b"what is this?\r\n\r\n")
        assert_error(connection.receive(), 400, 12046, "bad_request", "^Invalid http request: .")
        assert connection.is_closed()


@pytest.mark.parametrize(
    "request_", ["good", "no path", "no method", "too large", "no http"], ids=lambda name: name
)
def test_every_answer_carries_the_version_and_a_request_id(echo, request_):
    with echo.connect() as connection:
        if request_ == "good":
            response = connection.request()
        elif request_ == "no path":
            response = connection.request("GET", "/nothing")
        elif request_ == "no method":
            response = connection.request("GET")
        elif request_ == "too large":
            response = connection.request(body=b"x" * 2000)
        else:
            connection.send(b"\0\r\n\r\n")
            response = connection.receive()

    assert response.header("Lambda-Version") == "7.1"
    assert REQUEST_ID.match(response.header("Luna-Request-Id") or "")
    assert response.header("Date")
    assert (response.header("Lambda-Error") is None) == (request_ == "good")


def test_a_request_id_of_the_client_comes_back(echo):
    mine = f"1700000000,{uuid.uuid4()}"

    for target in ("/main", "/nothing"):
        response = echo.request("POST", target, headers={"Luna-Request-Id": mine})
        assert response.header("Luna-Request-Id") == mine
    assert echo.post(headers={"Luna-Request-Id": mine}).json()["requestId"] == mine


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "7",
        str(uuid.uuid4()),
        f"170000000,{uuid.uuid4()}",
        f"17000000000,{uuid.uuid4()}",
        f"1700000000,{uuid.uuid4()}x",
        f"1700000000,{str(uuid.uuid4()).upper()[:-1]}G",
        "x" * 1000,
    ],
)
def test_an_ill_formed_request_id_is_replaced(echo, bad):
    response = echo.post(headers={"Luna-Request-Id": bad})

    given = response.header("Luna-Request-Id") or ""
    assert REQUEST_ID.match(given)
    assert given != bad
    assert response.json()["requestId"] == given


def test_a_made_request_id_begins_with_the_time_and_is_new_each_time(echo):
    given = [echo.post().header("Luna-Request-Id") or "" for _ in range(3)]

    assert len(set(given)) == 3
    for one in given:
        # The clock of LUNA's services may be local time, so a day's difference is no error.
        assert abs(int(one.split(",")[0]) - time.time()) < 86_400


# ---------------------------------------------------------------------- what lambdas raise


@pytest.mark.parametrize("how", ["Teapot", "Teapot()"])
def test_a_user_exception_is_its_status_and_text(raises, how):
    response = raises.post({"raise": how})

    assert_error(response, 418, 42004, "user_exception", "^short and stout$")


@pytest.mark.parametrize(
    ("what", "detail"),
    [
        ("ValueError", 'a text with "quotes"'),
        ("RecursionError", "recursion"),
        ("MemoryError", "MemoryError"),
        ("SystemExit", "3"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("BaseException", "from outer space"),
        ("GeneratorExit", "GeneratorExit"),
        ("CancelledError", "CancelledError"),
        ("BaseExceptionGroup", "several"),
        ("cancels itself", "CancelledError"),
    ],
)
def test_any_exception_is_that_requests_500_and_the_worker_lives(raises, what, detail):
    worker = raises.worker()

    response = raises.post({"raise": what})

    assert_error(response, 500, 42004, "lambda_exception", detail)
    assert raises.worker() == worker
    assert raises.post({"raise": "nothing"}).status == 200


@pytest.mark.parametrize("where", ["in a callback", "in a task"])
def test_leaving_from_outside_of_the_request_does_not_end_the_worker(raises, where):
    worker = raises.worker()

    response = raises.post({"raise": where})

    assert response.status == 200
    assert raises.post({"raise": "nothing"}).status == 200
    assert raises.worker() == worker


def test_others_in_the_worker_do_not_notice_an_exception(raises):
    with raises.connect() as one, raises.connect() as other:
        for connection, what in ((one, "nothing"), (other, "SystemExit"), (one, "KeyboardInterrupt")):
            assert connection.request(json_body={"raise": what}).status in (200, 500)
        assert one.request(json_body={"raise": "nothing"}).status == 200
        assert other.request(json_body={"raise": "nothing"}).status == 200


def test_the_traceback_of_an_unexpected_exception_is_in_the_log(raises):
    response = raises.post({"raise": "ValueError"})

    rid = response.header("Luna-Request-Id")
    lines = raises.log.wait_for(request_id=rid, level="error")
    text = "\n".join(str(record) for record in lines)
    assert "lambda_main.py" in text
    assert "ValueError" in text


def test_json_that_is_none_is_the_clients_fault(raises):
    response = raises.post(body=b'{"raise": ', headers={"Content-Type": "application/json"})

    assert response.status == 400
    assert response.json()["error_code"] in (12002, 12027)
    assert raises.post({"raise": "nothing"}).status == 200


# ---------------------------------------------------------------------- what lambdas return


def test_a_result_comes_as_json_with_every_character(answers):
    response = answers.post({"value": "dict"})

    assert response.status == 200
    assert response.json() == {"a": [1, 2.5, None, True, "\u00fc\U0001f600"]}


def test_an_empty_result_is_an_empty_object(answers):
    assert answers.post({"value": "empty"}).json() == {}


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ("set", "set"),
        ("object", "object"),
        ("bytes", "bytes"),
        ("circle", "contains itself"),
    ],
)
def test_a_result_that_is_no_json_is_a_500_that_says_which_value(answers, value, detail):
    worker = answers.worker()

    response = answers.post({"value": value})

    assert_error(response, 500, 42004, "bad_result", detail)
    assert answers.worker() == worker


@pytest.mark.parametrize("value", ["surrogate", "nan", "uuid", "none", "list"])
def test_an_odd_result_is_an_answer_or_an_error_in_good_json(answers, value):
    response = answers.post({"value": value})

    assert response.status in (200, 500)
    assert b"NaN" not in response.body
    response.json()


BREAKING = "async def main(request):\n    breakpoint()\n    return {'passed': True}\n"


def test_a_breakpoint_without_a_terminal_says_what_to_do(serve, make_lambda):
    server = serve(make_lambda(BREAKING))
    server.allow("PYTHONBREAKPOINT", "Traceback")

    response = server.post({})

    assert response.status == 500
    assert "PYTHONBREAKPOINT" in response.json()["detail"]


def test_a_breakpoint_leads_where_the_environment_says(serve, make_lambda):
    stop = "from luna_lambda_tools import logger\ndef stop():\n    logger.info('stopped')\n"
    folder = make_lambda(BREAKING, debugging__py=stop)
    server = serve(folder, extra_environment={"PYTHONBREAKPOINT": "debugging.stop"})

    assert server.post({}).json() == {"passed": True}
    server.log.wait_for("^stopped$")


def test_breakpoints_can_be_turned_off(serve, make_lambda):
    server = serve(make_lambda(BREAKING), extra_environment={"PYTHONBREAKPOINT": "0"})

    assert server.post({}).json() == {"passed": True}
