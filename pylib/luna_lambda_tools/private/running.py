"""Runs the lambda's requests, each as a task of its own, and sees to it that each is answered exactly once.

Whatever the lambda raises ends its own request only. A request that is cancelled before its first step never enters the
lambda. A forked child that comes back out of the lambda ends here: its parent is the one that answers.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, Awaitable, Callable, Coroutine, NoReturn, Protocol

from . import json_result, log
from .errors import CLIENT_LEFT, INTERNAL, SHUT_DOWN, TIMED_OUT, ErrorKind, Headers, HostError
from .failures import answer_to, summary_of, text_of, traceback_of
from .json_result import BadResult

REASONS = {"timeout": TIMED_OUT, "disconnect": CLIENT_LEFT, "shutdown": SHUT_DOWN}
JSON_HEADERS = (("Content-Type", "application/json"),)


class Answers(Protocol):
    """The part of the channel that requests need."""

    def begin(self, slot: int, id: int) -> None: ...

    def respond(self, id: int, status: int, headers: Headers, body: bytes) -> None: ...

    def fail(
        self, id: int, status: int, kind: str, error_code: int, desc: str, detail: str, headers: Headers = ()
    ) -> None: ...


class RequestTask(asyncio.Task[None]):
    """The task of one request.

    Anyone may cancel it, also the lambda itself (``for task in asyncio.all_tasks()``): before the first step a
    cancellation is noted only, since the coroutine must run to give the answer.
    """

    __slots__ = ("stepped", "noted")

    def __init__(self, run: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> None:
        self.stepped = False
        self.noted: str | None = None  # why it was cancelled
        super().__init__(run, loop=loop)

    def cancel(self, msg: Any = None) -> bool:
        if self.stepped:
            return super().cancel(msg)
        if self.noted is None:
            self.noted = ""
        return True


class Running:
    """The requests that run."""

    def __init__(self, channel: Answers, loop: asyncio.AbstractEventLoop) -> None:
        self._channel = channel
        self._loop = loop
        self._tasks: dict[int, RequestTask] = {}
        self._forked = False
        os.register_at_fork(after_in_child=self._after_fork)

    def start(
        self, id: int, slot: int, request_id: str, main: Callable[[Any], Awaitable[Any]], request: Any
    ) -> None:
        """Lets ``await main(request)`` answer the request, as soon as the loop gets to it."""
        self._tasks[id] = RequestTask(self._run(id, slot, request_id, main, request), self._loop)

    def cancel(self, id: int, reason: str) -> None:
        """Cancels a request; one that has been answered is left alone."""
        task = self._tasks.get(id)
        if task is not None:
            task.noted = reason
            task.cancel()

    def cancel_all(self, reason: str) -> list[RequestTask]:
        """Cancels what runs, and says what that is."""
        for id in list(self._tasks):
            self.cancel(id, reason)
        return list(self._tasks.values())

    def fail(self, id: int, error: ErrorKind, detail: str | None = None) -> None:
        """Answers with a row of the table of errors."""
        self._channel.fail(
            id, error.status, error.kind, error.code, error.desc, error.detail if detail is None else detail
        )

    def fail_with(self, id: int, error: HostError) -> None:
        """Answers with an error of the host."""
        self._channel.fail(id, error.status, error.kind, error.code, error.desc, error.detail, error.headers)

    async def _run(
        self, id: int, slot: int, request_id: str, main: Callable[[Any], Awaitable[Any]], request: Any
    ) -> None:
        task = self._tasks[id]
        try:
            log.request_id.set(request_id)
            task.stepped = True
            if self._forked:  # another request's code has forked in this turn of the loop, and this is the child
                self._leave_child(None)
            if task.noted is not None:
                self.fail(id, REASONS.get(task.noted, SHUT_DOWN))
                return
            try:
                self._channel.begin(slot, id)
                result = await main(request)
                if self._forked:
                    self._leave_child(None)
                body = json_result.encode(result)
            except BaseException as error:
                if self._forked:
                    self._leave_child(error)
                self._tell(id, task, error)
            else:
                self._channel.respond(id, 200, JSON_HEADERS, body)
        except BaseException as error:  # a defect of the host
            self.fail(id, INTERNAL, f"{INTERNAL.detail}: {summary_of(error)}")
            log.logger.error("the host failed on a request\n%s", traceback_of(error))
        finally:
            del self._tasks[id]

    def _tell(self, id: int, task: RequestTask, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError) and task.noted:
            self.fail(id, REASONS.get(task.noted, SHUT_DOWN))
        elif isinstance(error, HostError):
            self.fail_with(id, error)
            if isinstance(error, BadResult):
                log.logger.error("%s", error.detail)
        else:
            kind, status, detail = answer_to(error)
            self._channel.fail(id, status, kind.kind, kind.code, kind.desc, detail)
            if kind.kind != "user_exception":
                log.logger.error("%s", traceback_of(error))

    def _after_fork(self) -> None:
        """In a forked child: its loop shares the parent's epoll instance and must not go on, so an await ends it."""
        self._forked = True
        if self._loop.is_running():
            self._loop.call_soon(self._leave_child, None)

    def _leave_child(self, error: BaseException | None) -> NoReturn:
        """Ends a forked child as a script would end: sys.exit's status is honoured, an exception is printed."""
        status = 0
        if isinstance(error, SystemExit):
            code = error.code
            status = 0 if code is None else code if isinstance(code, int) else 1
            if code is not None and not isinstance(code, int):
                log.logger.error("a forked child exits: %s", text_of(error))
        elif error is not None:
            status = 1
            log.logger.error("in a forked child:\n%s", traceback_of(error))
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        os._exit(status & 0xFF)

