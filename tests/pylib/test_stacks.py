"""What is told of tasks: their await chains, for people; and whose code the host takes tasks and threads for."""

from __future__ import annotations

import asyncio
import os
import posix
from typing import Any

import pytest

from fake_channel import FakeChannel, HostedLambda, real_exit
from luna_lambda_tools.private import stacks

SOURCE = """
import asyncio
from luna_lambda_tools import StandaloneLambdaRequest, logger

async def never():
    await asyncio.Event().wait()

async def numbers():
    yield 1
    await never()

async def loop():
    async for _ in numbers():
        pass

class Waits:
    def __await__(self):
        yield from never().__await__()

async def background():
    await asyncio.sleep(3600)

def generator_based():
    yield from asyncio.sleep(3600).__await__()

KEPT = []

class UserCtx:
    async def onStart(self):
        KEPT.append(asyncio.create_task(background(), name="the background"))

async def main(request: StandaloneLambdaRequest):
    logger.info("begun")
    await eval(request.json)
    return {}
"""


@pytest.fixture(params=["asyncio", "uvloop"])
def event_loop_name(request: pytest.FixtureRequest) -> str:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return str(request.param)


async def tasks_told(channel: FakeChannel, *expressions: str) -> str:
    """The text of all tasks while requests await the expressions."""
    numbers = [channel.send(body=expression) for expression in expressions]
    async with asyncio.timeout(10):
        while channel.texts().count("begun") < len(numbers):
            await asyncio.sleep(0)
    for _ in range(3):
        await asyncio.sleep(0)
    channel.on_stacks(5)
    for number in numbers:
        channel.on_cancel(number, "disconnect")
        await channel.answer(number)
    [(id, text)] = channel.told_stacks
    assert id == 5
    channel.told_stacks.clear()
    return text


def told(hosted: HostedLambda, event_loop_name: str, *expressions: str) -> str:
    texts = []

    async def driver(channel: FakeChannel) -> None:
        texts.append(await tasks_told(channel, *expressions))

    hosted.write(SOURCE).run(driver, event_loop=event_loop_name)
    return texts[0]


def paragraph(text: str, head: str) -> list[str]:
    """The lines of one task."""
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if head in line)
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith("  ")), len(lines))
    return lines[start:end]


def line_of(source: str) -> int:
    return SOURCE.split("\n").index(source) + 1


@pytest.mark.parametrize(
    "expression, functions",
    [
        ("never()", ["main", "never"]),
        ("Waits()", ["main", "__await__", "never"]),
        ("loop()", ["main", "loop", "numbers", "never"]),
        ("asyncio.wait_for(never(), 60)", ["main", "wait_for"]),
    ],
)
def test_the_chain_goes_from_main_to_the_innermost_await(
    hosted: HostedLambda, event_loop_name: str, expression: str, functions: list[str]
) -> None:
    lines = paragraph(told(hosted, event_loop_name, expression), "of request")

    assert [line.split(" in ")[1].split(":")[0] for line in lines[1 : len(functions) + 1]] == functions
    assert lines[1] == f"  lambda_main.py:{line_of('    await eval(request.json)')} in main: await eval(request.json)"


def test_a_task_of_a_request_is_told_with_its_id_and_age(hosted: HostedLambda, event_loop_name: str) -> None:
    text = told(hosted, event_loop_name, "never()")

    [head] = [line for line in text.split("\n") if "of request" in line]
    assert head.startswith("task 'Task-")
    assert "of request 1700000000,11111111-2222-4333-8444-555555555551, 0." in head
    assert head.endswith(" s old")


def test_child_tasks_are_their_requests(hosted: HostedLambda, event_loop_name: str) -> None:
    text = told(hosted, event_loop_name, "asyncio.gather(never(), background())", "never()")

    heads = [line for line in text.split("\n") if "of request" in line]
    assert ["555551" in head for head in heads] == [True, True, True, False]
    assert "  waits for 2 of 2 gathered" in paragraph(text, heads[0])


def test_tasks_of_nobody_come_last_and_the_hosts_own_not_at_all(hosted: HostedLambda, event_loop_name: str) -> None:
    text = told(hosted, event_loop_name, "never()")

    heads = [line for line in text.split("\n") if not line.startswith(" ")]
    assert "of request" in heads[0]
    assert "task 'the background'" in heads[1:]
    background = paragraph(text, "the background")
    assert background[1].endswith("in background: await asyncio.sleep(3600)")
    assert "_drive" in text  # the test's own
    assert "private/running.py" not in text


def test_what_waits_for_another_task_says_for_which(hosted: HostedLambda, event_loop_name: str) -> None:
    text = told(hosted, event_loop_name, "asyncio.shield(asyncio.create_task(never(), name='inner'))", "KEPT[0]")

    assert "  waits for task 'the background'" in text


async def answer_text(tasks: list[asyncio.Task[Any]]) -> str:
    return stacks.text_of_tasks([(task, stacks.Owner(0)) for task in tasks], "/nowhere")


def test_a_task_that_has_not_begun_says_so() -> None:
    async def run() -> str:
        async def nothing() -> None: ...

        task = asyncio.create_task(nothing(), name="n")
        text = await answer_text([task])
        await task
        return text

    assert asyncio.run(run()).startswith("task 'n'\n  ")


def test_a_deep_chain_is_cut() -> None:
    async def deep(depth: int) -> None:
        await (deep(depth - 1) if depth else asyncio.sleep(3600))

    async def run() -> str:
        task = asyncio.create_task(deep(500))
        await asyncio.sleep(0)
        text = await answer_text([task])
        task.cancel()
        return text

    assert asyncio.run(run()).count("in deep") == 100


def test_many_tasks_are_bounded_and_the_rest_is_counted() -> None:
    async def run() -> str:
        tasks = [asyncio.create_task(asyncio.sleep(3600), name="x" * 1000) for _ in range(3000)]
        await asyncio.sleep(0)
        text = await answer_text(tasks)
        for task in tasks:
            task.cancel()
        return text

    text = asyncio.run(run())
    assert len(text) <= stacks.LONGEST_TEXT + 100
    assert text.endswith("more tasks")


def test_a_task_that_is_none_does_not_spoil_the_rest() -> None:
    class Odd:
        def __getattr__(self, name: str) -> Any:
            raise ZeroDivisionError

    text = stacks.text_of_tasks([(Odd(), stacks.Owner(0))], "/nowhere")  # type: ignore[list-item]

    assert text == "a task that cannot be told: ZeroDivisionError"


def test_a_request_over_its_time_tells_once_what_it_and_its_children_wait_for(
    hosted: HostedLambda, event_loop_name: str
) -> None:
    async def driver(channel: FakeChannel) -> None:
        number = channel.send(body="asyncio.gather(never(), background())")
        await channel.line("begun")
        for _ in range(3):
            await asyncio.sleep(0)
        channel.on_cancel(number, "timeout")
        channel.on_cancel(number, "timeout")
        assert (await channel.answer(number)).status == 504

    channel = hosted.write(SOURCE).run(driver, event_loop=event_loop_name)

    [line] = [line for line in channel.lines if "time is over" in line.text]
    assert line.level == "warning"
    assert line.request_id.endswith("555551")
    assert "in main: await eval(request.json)" in line.text
    assert "in never: await asyncio.Event().wait()" in line.text
    assert "in background: await asyncio.sleep(3600)" in line.text


def test_of_many_requests_over_their_time_ten_tell(hosted: HostedLambda, event_loop_name: str) -> None:
    async def driver(channel: FakeChannel) -> None:
        numbers = [channel.send(body="never()") for _ in range(15)]
        while channel.texts().count("begun") < 15:
            await asyncio.sleep(0)
        for number in numbers:
            channel.on_cancel(number, "timeout")
        for number in numbers:
            await channel.answer(number)

    channel = hosted.write(SOURCE).run(driver, event_loop=event_loop_name)

    assert sum("time is over" in text for text in channel.texts("warning")) == 10


@pytest.mark.parametrize(
    "expression",
    ["asyncio.create_task(asyncio.sleep(0))", "asyncio.gather(asyncio.sleep(0))",
     "asyncio.ensure_future(asyncio.sleep(0))"],
)
def test_child_tasks_are_stepped_as_their_request(hosted: HostedLambda, event_loop_name: str, expression: str) -> None:
    async def driver(channel: FakeChannel) -> None:
        await channel.ask(body=expression)
        await channel.ask(body=expression)

    channel = hosted.write(SOURCE).run(driver, event_loop=event_loop_name)

    assert channel.stepped_ids == [1, 1, 2, 2]


def test_tasks_outside_requests_are_not_stepped(hosted: HostedLambda, event_loop_name: str) -> None:
    assert hosted.write(SOURCE).run(event_loop=event_loop_name).stepped_ids == []


def test_threads_of_the_default_executor_run_as_their_request(hosted: HostedLambda, event_loop_name: str) -> None:
    async def driver(channel: FakeChannel) -> None:
        await channel.ask(body="asyncio.to_thread(int)")
        await channel.ask(body="asyncio.get_running_loop().run_in_executor(None, int)")
        await asyncio.to_thread(int)

    channel = hosted.write(SOURCE).run(driver, event_loop=event_loop_name)

    assert channel.run_ids == [1, 2]


def test_os_exit_is_given_back(hosted: HostedLambda, event_loop_name: str) -> None:
    during = []

    async def driver(channel: FakeChannel) -> None:
        during.append(os._exit is real_exit)

    hosted.write(SOURCE).run(driver, event_loop=event_loop_name)

    assert during == [False]
    assert os._exit is posix._exit is real_exit
