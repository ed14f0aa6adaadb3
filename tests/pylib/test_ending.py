"""Cancelled requests, shutdown, and forked children."""

import asyncio
import os
import time

import pytest

from luna_lambda_tools.private.event_loop import run_until

WAITS = """
import asyncio
from luna_lambda_tools import logger
async def main(request):
    logger.info("entered")
    try:
        await asyncio.sleep(3600)
    finally:
        logger.info("left")
"""
GOOD = "async def main(request):\n    return {}\n"


@pytest.fixture(params=["asyncio", "uvloop"])
def event_loop_name(request):
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return request.param


@pytest.mark.parametrize("reason, status", [("timeout", 504), ("disconnect", 499)])
def test_a_cancelled_request_is_answered_once(hosted, event_loop_name, reason, status):
    async def drive(channel):
        number = channel.send()
        await channel.line("entered")
        channel.on_cancel(number, reason)
        channel.on_cancel(number, reason)
        answer = await channel.answer(number)
        assert (answer.status, answer.kind, answer.code) == (status, "cancelled", 42004)
        channel.on_cancel(number, reason)

    channel = hosted.write(WAITS).run(drive, event_loop=event_loop_name)
    assert channel.texts("info") == ["entered", "left"]


@pytest.mark.parametrize("reason, status", [("timeout", 504), ("disconnect", 499)])
def test_a_request_cancelled_before_its_first_step_never_enters_the_lambda(hosted, event_loop_name, reason, status):
    async def drive(channel):
        number = channel.send()
        channel.on_cancel(number, reason)
        assert (await channel.answer(number)).status == status

    channel = hosted.write(WAITS).run(drive, event_loop=event_loop_name)
    assert (channel.lines, channel.begun) == ([], [])


def test_cancelling_an_unknown_request_does_nothing(hosted):
    async def drive(channel):
        channel.on_cancel(99, "timeout")
        assert (await channel.ask()).status == 200

    assert hosted.write(GOOD).run(drive).lines == []


def test_a_lambda_that_swallows_its_cancellation_answers(hosted):
    async def drive(channel):
        number = channel.send()
        await channel.line("entered")
        channel.on_cancel(number, "timeout")
        assert (await channel.answer(number)).json == "late"

    hosted.write(
        """
import asyncio
from luna_lambda_tools import logger
async def main(request):
    logger.info("entered")
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        return "late"
"""
    ).run(drive)


def test_an_exception_during_cancellation_is_that_exception(hosted):
    async def drive(channel):
        number = channel.send()
        await channel.line("entered")
        channel.on_cancel(number, "timeout")
        answer = await channel.answer(number)
        assert (answer.status, answer.detail) == (500, "while leaving")

    hosted.write(WAITS.replace('logger.info("left")', 'raise ValueError("while leaving")')).run(drive)


# --- the loop


class EndingLoop:
    """A loop whose turns all end by an exception; without turns it ends before it has made one."""

    def __init__(self, turns):
        self.turns, self.runs, self.ready = turns, 0, []

    def call_soon(self, callback):
        self.ready.append(callback)

    def run_forever(self):
        self.runs += 1
        if self.turns:
            for callback in self.ready:
                callback()
            self.ready.clear()
        raise OSError(24, f"run {self.runs}")

    def is_closed(self):
        return False


def test_a_loop_that_ends_before_each_turn_is_given_up():
    loop = EndingLoop(turns=False)
    assert "run 1" in run_until(loop, lambda: False)
    assert loop.runs == 3


def test_a_loop_that_turns_goes_on_however_often_it_is_left():
    loop = EndingLoop(turns=True)
    assert run_until(loop, lambda: loop.runs == 50) == ""


# --- shutdown


def test_shutdown_runs_on_shutdown_once_even_when_it_comes_twice(hosted, event_loop_name):
    async def drive(channel):
        channel.on_shutdown(5.0)
        channel.on_shutdown(5.0)

    source = f"{GOOD}from luna_lambda_tools import logger\nclass UserCtx:\n    async def onShutdown(self):\n        logger.info('bye')\n"
    channel = hosted.write(source).run(drive, event_loop=event_loop_name)
    assert channel.texts() == ["bye"]
    assert hosted.status == 0
    assert channel.events[-2:] == ["detach", "flush"]


@pytest.mark.parametrize("error", ["RuntimeError('cannot let go')", "SystemExit(1)", "KeyboardInterrupt()"])
def test_a_failing_on_shutdown_is_logged_and_the_worker_ends_well(hosted, event_loop_name, error):
    source = f"{GOOD}from luna_lambda_tools import logger\nclass UserCtx:\n    async def onShutdown(self):\n        logger.info('once')\n        raise {error}\n"
    channel = hosted.write(source).run(event_loop=event_loop_name)
    assert hosted.status == 0
    assert channel.texts("info") == ["once"]
    [text] = channel.texts("error")
    assert text.startswith("onShutdown failed: ")
    assert "lambda_main.py" in text


def test_an_on_shutdown_that_hangs_is_cut_at_the_limit(hosted):
    began = time.monotonic()
    source = f"{GOOD}import asyncio\nclass UserCtx:\n    async def onShutdown(self):\n        await asyncio.sleep(3600)\n"
    channel = hosted.write(source).run(shutdown_limit=0.05)
    assert time.monotonic() - began < 5
    assert hosted.status == 0
    assert any("onShutdown did not end within 0.05 s" in text for text in channel.texts("error"))


def test_shutdown_cancels_running_requests_first_and_answers_them(hosted):
    async def drive(channel):
        drive.number = channel.send()
        await channel.line("entered")

    source = f"{WAITS}\nclass UserCtx:\n    async def onShutdown(self):\n        logger.info('bye')\n"
    channel = hosted.write(source).run(drive)
    assert (channel.answers[drive.number][0].status, channel.answers[drive.number][0].kind) == (503, "cancelled")
    assert channel.texts() == ["entered", "left", "bye"]


def test_shutdown_cancels_tasks_that_the_lambda_left_behind(hosted):
    async def drive(channel):
        await channel.ask()
        await channel.line("background")

    channel = hosted.write(
        """
import asyncio
from luna_lambda_tools import logger
async def background():
    logger.info("background")
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        logger.info("background cancelled")
        raise
async def main(request):
    request.userCtx.task = asyncio.create_task(background())
    return {}
class UserCtx:
    async def onShutdown(self):
        logger.info("bye")
"""
    ).run(drive)
    assert channel.texts() == ["background", "bye", "background cancelled"]


def test_a_task_that_refuses_to_end_is_left_behind(hosted):
    async def drive(channel):
        await channel.ask()

    channel = hosted.write(
        """
import asyncio
async def stubborn():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
async def main(request):
    request.userCtx.task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    return {}
class UserCtx:
    pass
"""
    ).run(drive, shutdown_limit=0.1)
    assert hosted.status == 0
    assert channel.texts("warning") == ["1 tasks of the lambda do not end and are left behind"]


def test_a_factory_of_tasks_that_fails_does_not_disturb_the_shutdown(hosted, event_loop_name):
    source = "import asyncio\nfrom luna_lambda_tools import logger\ndef fail(loop, coroutine, **more):\n    coroutine.close()\n    raise RuntimeError('no tasks')\n"
    source += "class UserCtx:\n    async def onShutdown(self):\n        logger.info('bye')\n        asyncio.get_running_loop().set_task_factory(fail)\n"
    channel = hosted.write(source + GOOD).run(event_loop=event_loop_name)
    assert channel.texts() == ["bye"]


def test_shutdown_closes_asynchronous_generators(hosted):
    async def drive(channel):
        await channel.ask()

    channel = hosted.write(
        """
from luna_lambda_tools import logger
async def generator():
    try:
        yield 1
        yield 2
    finally:
        logger.info("generator closed")
async def main(request):
    request.userCtx.kept = generator()
    return await anext(request.userCtx.kept)
class UserCtx:
    pass
"""
    ).run(drive)
    assert channel.texts() == ["generator closed"]


def test_a_shutdown_during_on_start_cancels_it(hosted):
    channels = []
    original = hosted._serve

    def serve(channel, options):
        channels.append(channel)
        attach = channel.attach

        def attach_and_shut_down(loop, *callbacks):
            attach(loop, *callbacks)
            loop.call_soon(lambda: loop.call_soon(channel.on_shutdown, 5.0))

        channel.attach = attach_and_shut_down
        return original(channel, options)

    hosted._serve = serve
    source = f"""{GOOD}
import asyncio
from luna_lambda_tools import logger
class UserCtx:
    async def onStart(self):
        await asyncio.sleep(3600)
    async def onShutdown(self):
        logger.info("bye")
"""
    channel = hosted.write(source).run()
    assert hosted.status == 0
    assert (channel.readiness, channel.failure, channel.lines) == (None, None, [])


def test_a_thread_of_the_lambda_does_not_hold_up_serve(hosted):
    async def drive(channel):
        await channel.ask()

    hosted.write(
        """
import threading
async def main(request):
    request.userCtx.stop = threading.Event()
    threading.Thread(target=request.userCtx.stop.wait, args=(30,)).start()
    return {}
class UserCtx:
    async def onShutdown(self):
        import asyncio
        asyncio.get_running_loop().call_soon(lambda: None)
"""
    )
    began = time.monotonic()
    hosted.run(drive)
    assert time.monotonic() - began < 10


# --- forks


@pytest.mark.parametrize(
    "child, status",
    [
        ("return {'who': 'child'}", 0),
        ("raise ValueError", 1),
        ("raise SystemExit(7)", 7),
        ("raise SystemExit", 0),
        ("await asyncio.sleep(0); await asyncio.sleep(0); os._exit(9)", 0),
        ("asyncio.get_running_loop", 0),
    ],
)
def test_a_forked_child_never_goes_on_as_a_second_worker(hosted, event_loop_name, child, status):
    async def drive(channel):
        parent = os.getpid()
        answer = await channel.ask()
        assert os.getpid() == parent
        assert answer.json == {"child": status}

    hosted.write(
        f"""
import asyncio, os
async def main(request):
    child = os.fork()
    if child == 0:
        {child}
        return {{}}
    _, status = os.waitpid(child, 0)
    return {{"child": os.waitstatus_to_exitcode(status)}}
"""
    ).run(drive, event_loop=event_loop_name)


def test_asynchronous_subprocesses_work(hosted, event_loop_name):
    async def drive(channel):
        assert (await channel.ask()).json == ["42", 0]

    hosted.write(
        """
import asyncio
async def main(request):
    process = await asyncio.create_subprocess_exec("/bin/echo", "42", stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return [output.decode().strip(), process.returncode]
"""
    ).run(drive, event_loop=event_loop_name)
