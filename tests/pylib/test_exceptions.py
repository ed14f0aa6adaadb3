"""What a lambda's exceptions become."""

import pytest


def answer_of(hosted, body, head="", **options):
    """The answer to one request of a lambda whose main has this body, and the channel."""
    answers = []

    async def drive(channel):
        answers.append(await channel.ask(body={"x": 1}, request_id="the id"))
        assert (await channel.ask("GET", b"/healthcheck")).status == 200

    source = f"from luna_lambda_tools import *\n{head}\nasync def main(request):\n"
    source += "".join(f"    {line}\n" for line in body.splitlines())
    channel = hosted.write(source).run(drive, **options)
    return answers[0], channel


@pytest.mark.parametrize("what", ["Count", "Count()"])
def test_a_user_exception_is_its_status_and_text(hosted, what):
    head = "class Count(UserException):\n    statusCode = 400\n    errorText = 'expected two images in request'\n"
    answer, channel = answer_of(hosted, f"raise {what}", head)
    assert (answer.status, answer.kind, answer.code) == (400, "user_exception", 42004)
    assert (answer.desc, answer.detail) == ("Lambda exception", "expected two images in request")
    assert channel.texts("error") == []


@pytest.mark.parametrize("status", [200, 299, 404, 599, "HTTPStatus.CONFLICT"])
def test_user_statuses_within_the_limits(hosted, status):
    head = f"from http import HTTPStatus\nclass E(UserException):\n    statusCode = {status}\n    errorText = 't'\n"
    answer, _ = answer_of(hosted, "raise E", head)
    assert (answer.status, answer.kind) == (409 if isinstance(status, str) else status, "user_exception")


@pytest.mark.parametrize("status", ["199", "600", "'400'", "None", "True", "400.0", "-1", "10**30"])
def test_user_statuses_outside_the_limits_are_a_500_that_says_so(hosted, status):
    head = f"class E(UserException):\n    statusCode = {status}\n    errorText = 'the text'\n"
    answer, _ = answer_of(hosted, "raise E", head)
    assert (answer.status, answer.kind) == (500, "lambda_exception")
    assert answer.detail.startswith(f"E.statusCode is {eval(status)!r}; it must be an int from 200 to 599")
    assert "the text" in answer.detail


@pytest.mark.parametrize("what, detail", [("E('of the instance')", "of the instance"), ("E", "E"), ("E()", "E")])
def test_a_user_exception_without_text_tells_its_own(hosted, what, detail):
    answer, _ = answer_of(hosted, f"raise {what}", "class E(UserException):\n    statusCode = 403\n")
    assert (answer.status, answer.detail) == (403, detail)


def test_attributes_of_the_instance_count(hosted):
    body = "e = UserException()\ne.statusCode, e.errorText = 410, 'gone'\nraise e"
    answer, _ = answer_of(hosted, body)
    assert (answer.status, answer.detail) == (410, "gone")


def test_division_by_zero(hosted):
    answer, channel = answer_of(hosted, "abc = 1/0")
    assert (answer.status, answer.kind, answer.code) == (500, "lambda_exception", 42004)
    assert (answer.desc, answer.detail) == ("Lambda exception", "division by zero")
    [line] = [line for line in channel.lines if line.level == "error"]
    assert line.request_id == "the id"
    assert line.text.startswith("Traceback (most recent call last):\n  File ")
    assert "lambda_main.py" in line.text.splitlines()[1]
    assert "luna_lambda_tools" not in line.text
    assert line.text.endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize(
    "statement, detail",
    [
        ("raise SystemExit(3)", "3"),
        ("import sys; sys.exit()", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise BaseExceptionGroup('several', [SystemExit(1), ValueError()])", "several (2 sub-exceptions)"),
        ("raise MemoryError", "MemoryError"),
        ("raise StopIteration(5)", "coroutine raised StopIteration"),
        ("raise StopAsyncIteration", "async generator raised StopAsyncIteration"),
        ("import asyncio; raise asyncio.CancelledError", "CancelledError"),
        ("import asyncio; asyncio.current_task().cancel(); await asyncio.sleep(0)", "CancelledError"),
        ("import asyncio; await asyncio.wait_for(asyncio.sleep(9), 0.001)", "TimeoutError"),
        ("raise type('Strange', (BaseException,), {})('from space')", "from space"),
        ("raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})()", "Mute"),
        ("raise type('Mute', (Exception,), {'__str__': lambda self: exit(1)})()", "Mute"),
        ("def f(): f()\nf()", "maximum recursion depth exceeded"),
    ],
)
def test_anything_else_is_a_500_of_this_request_only(hosted, statement, detail, loop):
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    answer, channel = answer_of(hosted, statement, event_loop=loop)
    assert (answer.status, answer.kind, answer.code) == (500, "lambda_exception", 42004)
    if "StopAsync" in statement:
        assert answer.detail in (detail, "StopAsyncIteration")
    else:
        assert answer.detail == detail
    assert "lambda_main.py" in "".join(channel.texts("error"))


def test_half_a_character_and_newlines_survive(hosted):
    answer, _ = answer_of(hosted, r"raise ValueError('a\n\udcff')")
    assert answer.detail == "a\n\udcff"


def test_the_detail_is_bounded_at_64_kib(hosted):
    answer, _ = answer_of(hosted, "raise ValueError('x' * 65536)")
    assert len(answer.detail) == 65536
    answer, _ = answer_of(hosted, "raise ValueError('x' * 65537)")
    assert answer.detail == "x" * 65536 + "…"


def test_the_traceback_of_a_deep_recursion_is_its_last_2000_calls(hosted):
    """A lambda may raise Python's limit: the worker would look up source lines for minutes, and answer nobody."""
    head = "import sys\ndef fall(n):\n    return fall(n - 1) if n else 1 / 0\n"
    limit = "before = sys.getrecursionlimit()\nsys.setrecursionlimit(10000)\n"
    body = f"{limit}try:\n    fall(2997)\nfinally:\n    sys.setrecursionlimit(before)"
    answer, channel = answer_of(hosted, body, head)
    assert answer.detail == "division by zero"
    [text] = channel.texts("error")
    assert "ZeroDivisionError: division by zero" in text
    assert text.endswith("the outermost 999 calls are left out")


def test_causes_are_in_the_traceback(hosted):
    body = "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('outer') from e"
    answer, channel = answer_of(hosted, body)
    assert answer.detail == "outer"
    assert "direct cause" in channel.texts("error")[0] and "ZeroDivisionError" in channel.texts("error")[0]


@pytest.mark.parametrize(
    "value, detail",
    [
        ("{'a': [1, 2, datetime.datetime.now()]}", 'result["a"][2] is a datetime, which JSON cannot hold'),
        ("{'images': {1, 2}}", 'result["images"] is a set, which JSON cannot hold'),
        ("MADE", "result is a coroutine, which JSON cannot hold; write await before the call that gave it"),
        ("object()", "result is an object, which JSON cannot hold"),
        ("b'raw'", "result is a bytes, which JSON cannot hold"),
        ("{'n': float('nan')}", 'result["n"] is nan, which JSON cannot hold'),
        ("[-float('inf')]", "result[0] is -inf, which JSON cannot hold"),
        ("CIRCLE", 'result["self"][0] contains itself, which JSON cannot hold'),
        ("{'a': {(1, 2): 3}}", 'result["a"] has the key (1, 2), a tuple; JSON keys are strings'),
        ("{float('nan'): 3}", "result has a key that is nan, which JSON cannot hold"),
        (r"{'t': 'half \udcff'}", 'result["t"] has a lone surrogate (\'\\udcff\' at index 5), which UTF-8 cannot hold'),
        (r"{'\udcff': 1}", r'result has the key "\udcff" with a lone surrogate'),
        ("10 ** 5000", "result is an int with too many digits to be written"),
        ("DEEP", "result[0][0][0][0][0][0]…[0][0][0][0][0][0] is nested too deeply for JSON: more than 900 levels"),
        ("Odd(a=1)", "result cannot be written as JSON: ZeroDivisionError: division by zero"),
    ],
)
def test_a_result_that_is_no_json_is_a_500_that_names_the_value(hosted, value, detail):
    head = """
import datetime
CIRCLE = {'self': [None]}
CIRCLE['self'][0] = CIRCLE['self']
DEEP = []
for _ in range(100000):
    DEEP = [DEEP]
class Odd(dict):
    def items(self):
        return 1 / 0
async def nothing():
    await asyncio.sleep(0)
MADE = nothing()
"""
    # Closed by the lambda itself: Python warns of coroutines that are never awaited.
    made = "\nclass UserCtx:\n    async def onShutdown(self):\n        MADE.close()\n"
    answer, channel = answer_of(hosted, f"return {value}", head + made)
    assert (answer.status, answer.kind, answer.code) == (500, "bad_result", 42004)
    assert answer.detail.startswith(detail)
    assert channel.texts("error") == [answer.detail]


@pytest.mark.parametrize(
    "value, body",
    [
        ("{}", b"{}"),
        ("None", b"null"),
        ("[1, 2.5, True]", b"[1,2.5,true]"),
        ("{1: 'a', None: 2, True: 3}", b'{"1":"a","null":2,"true":3}' ),
        ("(1, (2,))", b"[1,[2]]"),
        ("'\\U0001f600'", '"😀"'.encode()),
        ("SHARED", b'[["x"],["x"]]'),
        ("float(2 ** 53)", b"9007199254740992.0"),
    ],
)
def test_results_that_are_json(hosted, value, body):
    answer, _ = answer_of(hosted, f"return {value}", "x = ['x']\nSHARED = [x, x]\n")
    expected = b'{"1":3,"null":2}' if b"true" in body and value.startswith("{1") else body
    assert (answer.status, answer.body) == (200, expected)
