"""Runs the lambda's requests, each as a task of its own, and sees to it that each is answered exactly once.

Whatever the lambda raises ends its own request only. A request that is cancelled before its first step never enters the
lambda. A forked child that comes back out of the lambda ends here: its parent is the one that answers.

A task costs more than a short handler, so the first step of a request is taken without one, in the context that is the
task's, and the task is made when the request has to wait, or asks who it is (``asyncio.current_task``).
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import Any, Awaitable, Callable, Protocol, Sequence

from . import forked_child, json_result, log, stacks
from .attribution import AttributionChannel
from .errors import BAD_RESULT, CLIENT_LEFT, INTERNAL, SHUT_DOWN, TIMED_OUT, ErrorKind, Headers, HostError
from .failures import answer_to, summary_of, traceback_of
from .reply import Reply
from .streaming import DEFAULT_CREDIT, Exchange, Stream, StreamChannel

REASONS = {"timeout": TIMED_OUT, "disconnect": CLIENT_LEFT, "shutdown": SHUT_DOWN}
_TOLD_SECONDS = 1.0
_MOST_TOLD = 10  # stacks in that time
JSON_HEADERS = (("Content-Type", "application/json"),)


class Answers(StreamChannel, AttributionChannel, Protocol):
    """The part of the channel that requests need."""

    def respond(
        self, id: int, status: int, headers: Sequence[tuple[str, str]], body: bytes, route: str = ""
    ) -> None: ...

    def fail(
        self,
        id: int,
        status: int,
        kind: str,
        error_code: int,
        desc: str,
        detail: str,
        headers: Headers = (),
        route: str = "",
    ) -> None: ...


class Work:
    """What answers the requests of one route and method.

    Attributes:
        name: for the log, ``ParameterHandler.post``; "" for a standalone lambda's main.
        route: the template, a label of metrics.
        call: awaited with the request. It gives a value to be sent as JSON for main, else a Reply, or None when the
            response has been streamed.
        immediate: gives the same Reply at once, or None when it must be awaited after all; for what runs no code of
            the lambda.
    """

    # Not a NamedTuple: looking up what has slots is several times as fast.
    __slots__ = ("name", "route", "call", "immediate")

    def __init__(
        self,
        name: str,
        route: str,
        call: Callable[[Any], Awaitable[Any]],
        immediate: Callable[[Any], Reply | None] | None = None,
    ) -> None:
        self.name = name
        self.route = route
        self.call = call
        self.immediate = immediate


Find = Callable[[Any], tuple[Work, dict[str, Any]]]  # of a request; raises HostError


class RequestTask(asyncio.Task[None]):
    """The task of one request, made of one whose first step has begun."""

    __slots__ = ("request_id", "since", "noted")

    request_id: str
    since: float  # by the loop's clock
    noted: str | None  # why the supervisor has cancelled it


Waiting = tuple[int, int, str, Work | None, Any, dict[str, Any] | None]  # the arguments of start()


class Running:
    """The requests that run."""

    def __init__(
        self,
        channel: Answers,
        loop: asyncio.AbstractEventLoop,
        find: Find,
        credit: int = DEFAULT_CREDIT,
        root: str = "",
    ) -> None:
        """find: who answers a request that is started without its work. credit: of each streamed response.

        root: the lambda's folder.
        """
        self._channel = channel
        self._loop = loop
        self._find = find
        self._credit = credit
        self._root = root
        self._told_at = 0.0
        self._told = 0
        self._waiting: deque[Waiting] = deque()  # for their first steps
        self._since = 0.0  # when the last of them began, by the loop's clock
        self._tasks: dict[int, RequestTask] = {}
        self._cancelled: dict[int, str] = {}  # why, by the supervisor
        self._streams: dict[int, Stream] = {}
        self._forked = False
        os.register_at_fork(after_in_child=self._after_fork)

    def start(
        self,
        id: int,
        slot: int,
        request_id: str,
        work: Work | None,
        request: Any,
        arguments: dict[str, Any] | None = None,
    ) -> None:
        """Lets the work answer the request, at the next take_first_steps(). Without work, it is looked for then."""
        self._waiting.append((id, slot, request_id, work, request, arguments))

    def take_first_steps(self) -> None:
        """Begins what has been started, when all that came with it is known: also what has cancelled it."""
        waiting = self._waiting
        self._since = self._loop.time()
        take_first_step = self._channel.take_first_step
        try:
            while waiting:
                id, slot, request_id, work, request, arguments = waiting.popleft()
                if self._forked:  # another request's code has forked in this turn of the loop, and this is the child
                    forked_child.leave(None)
                if self._cancelled and id in self._cancelled:
                    self.fail(id, REASONS.get(self._cancelled.pop(id), SHUT_DOWN), None, work.route if work else "")
                    continue
                run = self._run(id, work, request, arguments)
                stepped = take_first_step(run, id, slot, log.request, (id, request_id))
                if stepped is not None:
                    self._task_of(stepped)
        finally:
            if waiting:  # a signal handler of the lambda may raise anything anywhere
                self._loop.call_soon(self.take_first_steps)

    def current(self) -> asyncio.Task[None] | None:
        """The task of the request whose first step is being taken; None when that is none."""
        stepped = self._channel.first_step()
        return None if stepped is None else self._task_of(stepped)

    def _task_of(self, stepped: Any) -> RequestTask:
        id = stepped.lambdapool_request
        task = self._tasks.get(id)
        if task is None:
            task = self._tasks[id] = RequestTask(stepped, loop=self._loop, context=stepped.context)
            task.request_id = stepped.context[log.request][1]
            task.since, task.noted = self._since, self._cancelled.get(id)
        return task

    def add_credit(self, id: int, amount: int) -> None:
        """So many bytes of a streamed response have left."""
        stream = self._streams.get(id)
        if stream is not None:
            stream.add_credit(amount)

    def cancel(self, id: int, reason: str) -> None:
        """Cancels a request; one that has been answered is left alone."""
        task = self._tasks.get(id)
        if task is None and (stepped := self._channel.first_step()) is not None and stepped.lambdapool_request == id:
            task = self._task_of(stepped)
        if task is not None:
            if reason == "timeout" and self._cancelled.get(id) != reason:
                self._tell_stacks(id, task)
            self._cancelled[id] = task.noted = reason
            task.cancel()
        elif any(waiting[0] == id for waiting in self._waiting):
            self._cancelled[id] = reason

    def stacks(self) -> str:
        """What all tasks wait for: those of requests first, the oldest request before the others."""
        owned = [(task, self._owner_of(task)) for task in asyncio.all_tasks(self._loop)]
        owned.sort(key=lambda each: (not each[1].number, each[1].number, not isinstance(each[0], RequestTask)))
        return stacks.text_of_tasks(owned, self._root)

    def _owner_of(self, task: asyncio.Task[Any]) -> stacks.Owner:
        number = stacks.owner_number(task)
        request = self._tasks.get(number)
        if request is None:
            return stacks.Owner(number)
        return stacks.Owner(number, request.request_id, self._loop.time() - request.since)

    def _tell_stacks(self, id: int, request: RequestTask) -> None:
        """Logs what a request waits for whose time is over; of many at once the first ones."""
        now = self._loop.time()
        if now - self._told_at > _TOLD_SECONDS:
            self._told_at, self._told = now, 0
        self._told += 1
        if self._told > _MOST_TOLD:
            return
        children = [task for task in asyncio.all_tasks(self._loop) if stacks.owner_number(task) == id]
        children.sort(key=lambda task: task is not request)
        text = stacks.text_of_tasks([(task, self._owner_of(task)) for task in children], self._root)
        log.RequestLogger(request.request_id).warning("the request's time is over; what it waits for:\n%s", text)

    def cancel_all(self, reason: str) -> list[RequestTask]:
        """Cancels what runs, and says what that is."""
        for id in [waiting[0] for waiting in self._waiting] + list(self._tasks):
            self.cancel(id, reason)
        self.take_first_steps()
        return list(self._tasks.values())

    def fail(self, id: int, error: ErrorKind, detail: str | None = None, route: str = "") -> None:
        """Answers with a row of the table of errors."""
        text = error.detail if detail is None else detail
        self._channel.fail(id, error.status, error.kind, error.code, error.desc, text, (), route)

    def fail_with(self, id: int, error: HostError, route: str = "") -> None:
        """Answers with an error of the host; one of a route knows the route itself."""
        route = route or getattr(error, "route", "")
        self._channel.fail(id, error.status, error.kind, error.code, error.desc, error.detail, error.headers, route)

    async def _run(self, id: int, work: Work | None, request: Any, arguments: dict[str, Any] | None) -> None:
        try:
            try:
                if work is None:
                    work, arguments = self._find(request)
                if work.name:
                    request._exchange = self._exchange(id, work, request.method, arguments)
                result = await work.call(request)
                if self._forked:
                    forked_child.leave(None)
                body = None if work.name else json_result.encode(result)
            except BaseException as error:
                if self._forked:
                    forked_child.leave(error)
                self._tell(id, error, work)
            else:
                try:
                    if body is not None:
                        self._channel.respond(id, 200, JSON_HEADERS, body, work.route)
                    elif result is not None:
                        self._channel.respond(id, result.status, result.headers, result.body, work.route)
                except ValueError as error:  # more than goes to the supervisor; nothing of it is on its way
                    text = str(error).removeprefix("respond(): ")
                    self._tell(id, HostError(BAD_RESULT, f"{work.name or 'main'}: the response is too large: {text}"), work)
        except BaseException as error:  # a defect of the host
            self._fail_after_all(id, error)
        finally:
            if self._streams:
                self._streams.pop(id, None)
            if self._tasks:
                self._tasks.pop(id, None)
            if self._cancelled:
                self._cancelled.pop(id, None)

    def _exchange(self, id: int, work: Work, method: str, arguments: dict[str, Any] | None) -> Exchange:
        return Exchange(work.name, work.route, arguments or {}, lambda: self._make_stream(id, method, work.route))

    def _make_stream(self, id: int, method: str, route: str) -> Stream:
        stream = self._streams[id] = Stream(self._channel, id, method, route, self._credit)
        return stream

    def _fail_after_all(self, id: int, error: BaseException) -> None:
        text = f"{INTERNAL.detail}: {summary_of(error)}"
        stream = self._streams.get(id)
        if stream is not None and stream.opened:
            stream.end(text)
        else:
            self.fail(id, INTERNAL, text)
        log.logger.error("the host failed on a request\n%s", traceback_of(error))

    def _tell(self, id: int, error: BaseException, work: Work | None) -> None:
        """Answers with the error, and logs it when it is the lambda's fault."""
        name = f"{work.name}: " if work is not None and work.name else ""
        if isinstance(error, asyncio.CancelledError) and id in self._cancelled:
            self._answer(id, HostError(REASONS.get(self._cancelled[id], SHUT_DOWN)), work)
        elif isinstance(error, HostError):
            self._answer(id, error, work)
            if error.kind == BAD_RESULT.kind:
                log.logger.error("%s", error.detail if error.detail.startswith(name[:-2]) else f"{name}{error.detail}")
        else:
            kind, status, detail = answer_to(error)
            self._answer(id, HostError(kind._replace(status=status), detail), work)
            if kind.kind != "user_exception" or self._has_begun(id):
                log.logger.error("%s%s", name and f"{name[:-2]} failed\n", traceback_of(error))

    def _answer(self, id: int, error: HostError, work: Work | None) -> None:
        """A failure, or the cut of a response that has begun."""
        if self._has_begun(id):
            self._streams[id].end(error.detail)
        else:
            self.fail_with(id, error, work.route if work is not None else "")

    def _has_begun(self, id: int) -> bool:
        stream = self._streams.get(id)
        return stream is not None and stream.opened

    def _after_fork(self) -> None:
        """In a forked child: its loop shares the parent's epoll instance and must not go on, so an await ends it."""
        self._forked = True
        if self._loop.is_running():
            self._loop.call_soon(forked_child.leave, None)
