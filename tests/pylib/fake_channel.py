"""A stand-in for the worker's channel, and the life of one lambda under it.

``HostedLambda.run`` writes a lambda into a folder, serves it with the real host in this process, lets a test talk to it
from a task on the host's own loop, shuts it down, and puts the process back as it was.
"""

from __future__ import annotations

import asyncio
import collections.abc
import importlib
import json
import os
import sys
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Awaitable, Callable, NoReturn

from luna_lambda_tools.private import host, log
from luna_lambda_tools.public.config import lambdaConfig

ANSWER_SECONDS = 10
real_exit = os._exit
REQUEST_ID = "1700000000,11111111-2222-4333-8444-555555555555"


@dataclass
class Answer:
    """What was sent for one request: a response, a streamed one when it has chunks, or a failure when it has a kind."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    kind: str = ""
    code: int = 0
    desc: str = ""
    detail: str = ""
    route: str = ""
    chunks: list[bytes] | None = None  # of a streamed response
    end: str | None = None  # the error it ended with, "" for none

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Line:
    level: str
    request_id: str
    text: str


Driver = Callable[["FakeChannel"], Awaitable[None]]


class Stepped(collections.abc.Coroutine[Any, Any, Any]):
    """What worker/python/stepped.h is, without a page to tell whose code runs."""

    def __init__(self, coroutine: Any, id: int) -> None:
        self._coroutine = coroutine
        self._first: list[Any] = []  # what the first step yielded, until a task has been given it
        self._returned = False
        self.lambdapool_request = id

    def start(self) -> bool:
        try:
            self._first.append(self._coroutine.send(None))
        except StopIteration:
            self._returned = True
        return self._returned

    def send(self, value: Any) -> Any:
        if self._returned:
            raise StopIteration
        if self._first and (waits_for := self._first.pop()) is not None:
            return waits_for
        return self._coroutine.send(value)

    def throw(self, error: Any, *rest: Any) -> Any:
        if self._returned:
            raise error
        if self._first and (waits_for := self._first.pop()) is not None and waits_for.cancel():
            return waits_for
        return self._coroutine.throw(error, *rest)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Any:
        return self._coroutine.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coroutine, name)


@dataclass
class FakeChannel:
    """Records what the host does to it; ``driver`` runs on the loop once the host is ready."""

    driver: Driver | None = None
    lines: list[Line] = field(default_factory=list)
    begun: list[tuple[int, int]] = field(default_factory=list)
    answers: dict[int, list[Answer]] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    failure: tuple[str, str, str] | None = None
    readiness: tuple[str, str] | None = None
    error: BaseException | None = None
    shutdown_limit: float = 5.0
    on_begin: Callable[[int], None] | None = None
    stream_credit: int = 262144
    grants_credit: bool = True  # at once, as a client does that reads fast
    in_credit: dict[int, int] = field(default_factory=dict)
    stepped_ids: list[int] = field(default_factory=list)  # of coroutines that became tasks
    step: Stepped | None = None
    told_stacks: list[tuple[int, str]] = field(default_factory=list)
    run_ids: list[int] = field(default_factory=list)  # of calls in threads
    metrics: list[tuple[str, str, str, list[Any], list[float]]] = field(default_factory=list)

    # --- the host's side

    def attach(
        self,
        loop: Any,
        on_request: Any,
        on_cancel: Any,
        on_shutdown: Any,
        on_credit: Any,
        on_stacks: Any,
        on_taken: Any,
        on_log_level: Any,
        before_answers: Any,
    ) -> None:
        self.on_taken, self.before_answers = on_taken, before_answers
        self.loop, self.on_request, self.on_cancel, self.on_shutdown = loop, on_request, on_cancel, on_shutdown
        self.on_credit, self.on_stacks, self.on_log_level = on_credit, on_stacks, on_log_level
        self.events.append("attach")

    def detach(self) -> None:
        self.events.append("detach")

    def begin(self, slot: int, id: int) -> None:
        self.begun.append((slot, id))
        if self.on_begin:
            self.on_begin(id)

    def stepped(self, coroutine: Any, id: int) -> Any:
        self.stepped_ids.append(id)
        return Stepped(coroutine, id)

    def take_first_step(self, coroutine: Any, id: int, slot: int, variable: Any, value: Any) -> Stepped | None:
        step = self.stepped(coroutine, id)
        step.context = copy_context()
        step.context.run(variable.set, value)
        self.begin(slot, id)
        outer, self.step = self.step, step
        try:
            return None if step.context.run(step.start) else step
        finally:
            self.step = outer

    def first_step(self) -> Stepped | None:
        return self.step

    def run_as(self, id: int, function: Any, *arguments: Any, **keywords: Any) -> Any:
        self.run_ids.append(id)
        return function(*arguments, **keywords)

    def exit(self, status: int, id: int) -> NoReturn:
        real_exit(status)

    def respond(self, id: int, status: int, headers: Any, body: Any, route: str = "") -> None:
        self._answer(id, Answer(status, dict(headers), bytes(body), route=route))

    def fail(
        self, id: int, status: int, kind: str, code: int, desc: str, detail: str, headers: Any = (), route: str = ""
    ) -> None:
        self._answer(id, Answer(status, dict(headers), b"", kind, code, desc, detail, route))

    def stream_head(self, id: int, status: int, headers: Any, route: str = "") -> None:
        self._answer(id, Answer(status, dict(headers), route=route, chunks=[]))

    def stream_chunk(self, id: int, data: Any) -> None:
        answer = self.answers[id][0]
        assert answer.chunks is not None, f"request {id} is no stream"
        assert answer.end is None, f"the stream of request {id} has ended"
        answer.chunks.append(bytes(data))
        answer.body += bytes(data)
        self.in_credit[id] = self.in_credit.get(id, 0) + len(data)
        assert self.in_credit[id] <= self.stream_credit, f"request {id} sends more than its credit"
        if self.grants_credit:
            self.grant(id)

    def stream_end(self, id: int, error: str = "") -> None:
        answer = self.answers[id][0]
        assert answer.chunks is not None, f"request {id} is no stream"
        assert answer.end is None, f"the stream of request {id} ends twice"
        answer.end = error

    def metric(self, kind: str, name: str, help: str, labels: Any, values: Any) -> None:
        self.metrics.append((kind, name, help, list(labels), list(values)))

    def stacks(self, id: int, text: str) -> None:
        self.told_stacks.append((id, text))

    def log(self, level: str, request_id: str, text: str) -> None:
        self.lines.append(Line(level, request_id, text))

    def ready(self, lambda_type: str, event_loop: str) -> None:
        self.events.append("ready")
        self.readiness = (lambda_type, event_loop)
        self._task = self.loop.create_task(self._drive())

    def start_failed(self, stage: str, text: str, traceback: str) -> None:
        self.events.append("start_failed")
        assert self.failure is None, "a start fails once"
        self.failure = (stage, text, traceback)

    def flush(self, timeout: float) -> bool:
        self.events.append("flush")
        return True

    # --- the test's side

    def send(self, method: str = "POST", path: bytes = b"/main", body: Any = b"", **more: Any) -> int:
        """Hands a request to the host as the channel does; returns its id."""
        number = len(self.answers) + 1
        self.answers[number] = []
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.on_request(
            number,
            number % 8,
            60.0,
            method,
            path,
            more.get("query", b""),
            more.get("headers", [("Host", "localhost"), ("Content-Type", "application/json")]),
            "127.0.0.1",
            more.get("request_id", f"{REQUEST_ID[:-1]}{number % 10}"),
            1,
            data,
        )
        self.loop.call_soon(self.begin_what_came)
        return number

    def begin_what_came(self) -> None:
        """What the channel does at the end of a batch, before it sends the answers that are there."""
        self.on_taken()
        if self.before_answers:
            self.before_answers()

    async def answer(self, number: int) -> Answer:
        """The answer to a request; fails when none comes."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while not self.answers[number]:
                await asyncio.sleep(0)
        return self.answers[number][0]

    async def streamed(self, number: int) -> Answer:
        """The answer to a request, when its stream has ended."""
        answer = await self.answer(number)
        assert answer.chunks is not None, answer
        async with asyncio.timeout(ANSWER_SECONDS):
            while answer.end is None:
                await asyncio.sleep(0)
        return answer

    def grant(self, number: int) -> None:
        """Gives back the credit of all that the request has sent."""
        used, self.in_credit[number] = self.in_credit[number], 0
        self.on_credit(number, used)

    async def ask(self, method: str = "POST", path: bytes = b"/main", body: Any = b"", **more: Any) -> Answer:
        return await self.answer(self.send(method, path, body, **more))

    async def line(self, text: str) -> Line:
        """The first log line that holds the text; fails when none comes."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                for line in self.lines:
                    if text in line.text:
                        return line
                await asyncio.sleep(0)

    def texts(self, level: str | None = None) -> list[str]:
        return [line.text for line in self.lines if level in (None, line.level)]

    async def _drive(self) -> None:
        try:
            if self.driver:
                await self.driver(self)
        except BaseException as error:
            self.error = error
        self.on_shutdown(self.shutdown_limit)

    def _answer(self, id: int, answer: Answer) -> None:
        self.answers[id].append(answer)
        assert len(self.answers[id]) == 1, f"request {id} is answered twice: {self.answers[id]}"


class HostedLambda:
    """One lambda's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, source: str | bytes, name: str = "lambda_main.py") -> HostedLambda:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.encode() if isinstance(source, str) else source)
        return self

    def run(self, driver: Driver | None = None, **options: Any) -> FakeChannel:
        """Serves the folder until the driver ends; every request must have been answered exactly once."""
        channel = FakeChannel(driver)
        channel.shutdown_limit = options.pop("shutdown_limit", 5.0)
        channel.on_begin = options.pop("on_begin", None)
        channel.stream_credit = options.get("stream_credit", channel.stream_credit)
        channel.grants_credit = options.pop("grants_credit", True)
        self.status = self._serve(channel, options)
        if channel.error:
            raise channel.error
        unanswered = [id for id, answers in channel.answers.items() if len(answers) != 1]
        assert not unanswered, f"requests without exactly one answer: {unanswered}"
        endless = [id for id, (answer,) in channel.answers.items() if answer.chunks is not None and answer.end is None]
        assert not endless, f"streams without an end: {endless}"
        return channel

    def fails(self, **options: Any) -> tuple[str, str, str]:
        """Serves a lambda that must not start; returns stage, text and traceback."""
        channel = self.run(**options)
        assert channel.failure is not None, "the lambda starts"
        assert self.status == 1
        assert "ready" not in channel.events
        assert channel.events[-1] == "flush"
        assert "\n" not in channel.failure[1]
        return channel.failure

    def _serve(self, channel: FakeChannel, options: dict[str, Any]) -> int:
        start = {
            "lambda_root": str(self.folder),
            "lambda_id": "id",
            "lambda_name": "name",
            "lambda_version": "1",
            "event_loop": "asyncio",
            "log_level": "info",
            "worker": 1,
            "window": 8,
            **options,
        }
        path, modules = list(sys.path), set(sys.modules)
        try:
            return host.serve(channel, start)
        finally:
            sys.path[:] = path
            for name in set(sys.modules) - modules:
                if self._is_own(sys.modules[name]):
                    del sys.modules[name]
            importlib.invalidate_caches()
            log.uninstall()
            lambdaConfig._state = "unread"
            asyncio.set_event_loop(None)

    def _is_own(self, module: Any) -> bool:
        places = [getattr(module, "__file__", None), *list(getattr(module, "__path__", []))]
        return any(place and str(place).startswith(str(self.folder)) for place in places)
