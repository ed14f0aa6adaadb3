"""A request's way through the host."""

import asyncio

import pytest

ECHO = """
from luna_lambda_tools import StandaloneLambdaRequest

async def main(request: StandaloneLambdaRequest) -> dict:
    return {"sent": request.json, "text": "\\u00fc"}
"""


@pytest.fixture(params=["asyncio", "uvloop"])
def event_loop_name(request):
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return request.param


def test_a_post_to_main_is_answered_with_compact_json(hosted, event_loop_name):
    async def drive(channel):
        answer = await channel.ask(body={"a": [1, None]})
        assert answer.status == 200
        assert answer.body == '{"sent":{"a":[1,null]},"text":"ü"}'.encode()
        assert answer.headers == {"Content-Type": "application/json"}

    channel = hosted.write(ECHO).run(drive, event_loop=event_loop_name)
    assert channel.readiness == ("standalone", event_loop_name)
    assert hosted.status == 0
    assert channel.events == ["attach", "ready", "detach", "flush"]


def test_auto_takes_uvloop_when_it_is_installed(hosted):
    pytest.importorskip("uvloop")
    assert hosted.write(ECHO).run(event_loop="auto").readiness == ("standalone", "uvloop")


@pytest.mark.parametrize("path", [b"/main", b"/main/", b"/main///", b"/%6dain", b"/m%61in/"])
def test_ways_to_write_main(hosted, path):
    async def drive(channel):
        assert (await channel.ask(path=path, body=1)).json["sent"] == 1

    hosted.write(ECHO).run(drive)


@pytest.mark.parametrize("path", [b"/", b"", b"/Main", b"//main", b"/main/x", b"/\xff", b"/%ff", b"/mai%", b"main"])
def test_other_paths_are_not_found(hosted, path):
    async def drive(channel):
        answer = await channel.ask(path=path)
        assert (answer.status, answer.kind, answer.code) == (404, "not_found", 12013)
        assert (answer.desc, answer.detail) == ("Resource not found", "Page not found")

    assert hosted.write(ECHO).run(drive).begun == []


@pytest.mark.parametrize("method, path, allow", [("GET", b"/main", "POST"), ("POST", b"/healthcheck", "GET, HEAD")])
def test_other_methods_are_not_allowed(hosted, method, path, allow):
    async def drive(channel):
        answer = await channel.ask(method, path)
        assert (answer.status, answer.kind, answer.code) == (405, "method_not_allowed", 12021)
        assert (answer.desc, answer.detail) == ("Method not allowed", "Method not allowed")
        assert answer.headers == {"Allow": allow}

    hosted.write(ECHO).run(drive)


@pytest.mark.parametrize("query", [b"", b"include_luna_services=0", b"include_luna_services=1", b"other=2"])
def test_health_says_how_long_it_took(hosted, query):
    async def drive(channel):
        answer = await channel.ask("GET", b"/healthcheck", query=query)
        assert answer.status == 200
        assert isinstance(answer.json["execution_time"], float)

    hosted.write(ECHO).run(drive)


@pytest.mark.parametrize("value", [b"", b"2", b"true", b"-1", b"0&include_luna_services=x"])
def test_health_refuses_other_values(hosted, value):
    async def drive(channel):
        answer = await channel.ask("GET", b"/healthcheck", query=b"include_luna_services=" + value)
        assert (answer.status, answer.code, answer.desc) == (400, 12012, "Bad/incomplete input data")
        assert answer.detail == "Bad query parameters 'include_luna_services'"

    hosted.write(ECHO).run(drive)


def test_a_body_that_is_no_json_is_a_bad_request(hosted):
    async def drive(channel):
        answer = await channel.ask(body=b"{")
        assert (answer.status, answer.kind, answer.code) == (400, "bad_request", 12002)

    assert hosted.write(ECHO).run(drive).texts("error") == []


def test_begin_is_marked_in_the_task_before_the_first_line_of_the_lambda(hosted):
    begun_when = []

    async def drive(channel):
        channel.on_begin = lambda id: begun_when.append(list(channel.texts()))
        first = channel.send(body=1)
        assert channel.begun == []
        await channel.answer(first)
        assert channel.begun == [(1, 1)]

    hosted.write(
        """
from luna_lambda_tools import logger
async def main(request):
    logger.info("user code")
    return {}
"""
    ).run(drive)
    assert begun_when == [[]]


def test_requests_run_concurrently(hosted):
    async def drive(channel):
        numbers = [channel.send(body=n) for n in range(5)]
        answers = [await channel.answer(n) for n in numbers]
        assert [a.json for a in answers] == [5] * 5

    hosted.write(
        """
import asyncio
inside = 0
async def main(request):
    global inside
    inside += 1
    while inside < 5:
        await asyncio.sleep(0)
    return inside
"""
    ).run(drive)


def test_the_user_context_reaches_the_request(hosted):
    async def drive(channel):
        assert (await channel.ask()).json == {"result": 1}

    hosted.write(
        """
class UserCtx:
    def __init__(self):
        self.value = 0
    async def onStart(self):
        self.value = 1
async def main(request):
    return {"result": request.userCtx.value}
"""
    ).run(drive)


def test_user_configuration_is_empty_until_someone_sets_it(hosted):
    async def drive(channel):
        assert (await channel.ask()).json == {}

    hosted.write("async def main(request):\n    return request.config.userConfig\n").run(drive)


def test_user_configuration_is_what_the_operator_has_set(hosted):
    async def drive(channel):
        assert (await channel.ask()).json == {"setting_1": 1, "list": [None]}

    source = "async def main(request):\n    return request.config.userConfig\n"
    hosted.write(source).run(drive, settings='{"user_config": {"setting_1": 1, "list": [null]}}')


def test_a_lambda_may_stop_the_loop_and_nothing_ends(hosted, event_loop_name):
    async def drive(channel):
        await channel.ask()
        await channel.line("stopped the event loop")
        assert (await channel.ask()).status == 200

    hosted.write(
        """
import asyncio
async def main(request):
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0)
    return {}
"""
    ).run(drive, event_loop=event_loop_name)


@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt()"])
@pytest.mark.parametrize("how", ["call_soon(leave)", "create_task(leave_later())"])
def test_an_exit_in_a_callback_or_task_ends_nothing(hosted, event_loop_name, error, how):
    async def drive(channel):
        await channel.ask()
        assert (await channel.line("left the event loop")).level == "warning"
        assert (await channel.ask()).status == 200

    hosted.write(
        f"""
import asyncio
def leave():
    raise {error}
async def leave_later():
    leave()
async def main(request):
    asyncio.get_running_loop().{how}
    await asyncio.sleep(0)
    return {{}}
"""
    ).run(drive, event_loop=event_loop_name)


def test_an_exception_in_a_callback_is_logged_with_its_traceback(hosted, event_loop_name):
    async def drive(channel):
        await channel.ask()
        line = await channel.line("ValueError: from a callback")
        assert line.level == "error"
        assert "in fail" in line.text

    hosted.write(
        """
import asyncio
def fail():
    raise ValueError("from a callback")
async def main(request):
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)
    return {}
"""
    ).run(drive, event_loop=event_loop_name)


def test_the_callback_of_a_request_is_logged_with_its_id(hosted):
    async def drive(channel):
        await channel.ask(request_id="the id")
        assert (await channel.line("from a callback")).request_id == "the id"

    hosted.write(
        """
import asyncio
def fail():
    raise ValueError("from a callback")
async def main(request):
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)
    return {}
"""
    ).run(drive)


def test_a_lambda_may_cancel_every_task_and_each_request_is_answered(hosted, event_loop_name):
    async def drive(channel):
        numbers = [channel.send(body=n) for n in range(4)]
        answers = await asyncio.shield(asyncio.gather(*(channel.answer(n) for n in numbers), return_exceptions=True))
        assert len(answers) == 4

    channel = hosted.write(
        """
import asyncio
async def main(request):
    for task in asyncio.all_tasks():
        if "FakeChannel" not in repr(task) and "answer" not in repr(task):
            task.cancel()
    await asyncio.sleep(0)
    return {}
"""
    ).run(drive, event_loop=event_loop_name)
    assert {answers[0].status for answers in channel.answers.values()} <= {500, 503}
