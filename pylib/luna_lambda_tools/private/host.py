"""The worker's Python side: loads one lambda, serves its requests, shuts it down.

The worker program calls ``serve`` and ends with its result by ``_exit``: neither atexit functions nor threads that a
lambda left behind hold it up. Every module the host needs is imported at the top of this package's files, before the
lambda's folder comes onto sys.path.
"""

from __future__ import annotations

import ast  # noqa: F401  formatting a traceback imports it when the first one is told
import asyncio
import concurrent.futures.thread  # noqa: F401  asyncio.to_thread imports it at its first call
import json
import linecache  # noqa: F401
import os
import sys
import tokenize  # noqa: F401
import tracemalloc  # noqa: F401  the warning of a coroutine that was not awaited imports it while it is freed
from typing import Any, Callable, Iterable, Mapping, Protocol, Sequence

from ..public import metrics  # noqa: F401  what it imports must not be the lambda's
from ..public.standalone import StandaloneLambdaRequest
from . import attribution, breakpoints, log, metrics_sink, monitoring, preloading, serving, task_main
from .context import Context
from .errors import INTERNAL, HostError
from .event_loop import log_exception, make_loop, run_until, tell_tasks_as_before, tell_tasks_by
from .failures import summary_of, traceback_of
from .luna.configurator import Configurator
from .luna.state import luna
from .running import Answers, Running, Work
from .shutdown import Shutdown
from .start_failure import StartFailure
from .streaming import DEFAULT_CREDIT
from .user_context import UserContext

FLUSH_SECONDS = 5.0

# Faster than a call of the class, which packs all arguments once more.
_new_request = object.__new__
_fill_request = StandaloneLambdaRequest.__init__


class Channel(Answers, Protocol):
    """The worker's line to its supervisor, ``_lambdapool.Channel``."""

    def attach(
        self,
        loop: asyncio.AbstractEventLoop,
        on_request: Callable[..., None],
        on_cancel: Callable[[int, str], None],
        on_shutdown: Callable[[float], None],
        on_credit: Callable[[int, int], None],
        on_stacks: Callable[[int], None],
        on_taken: Callable[[], None],
        on_log_level: Callable[[str], None],
        before_answers: Callable[[], None] | None,
    ) -> None: ...

    def detach(self) -> None: ...

    def log(self, level: str, request_id: str, text: str) -> None: ...

    def ready(self, lambda_type: str, event_loop: str) -> None: ...

    def start_failed(self, stage: str, text: str, traceback: str) -> None: ...

    def metric(
        self, kind: str, name: str, help: str, labels: Sequence[tuple[str, str]], values: Sequence[float]
    ) -> None: ...

    def stacks(self, id: int, text: str) -> None: ...

    def flush(self, timeout: float) -> bool: ...


def serve(channel: Channel, start: Mapping[str, Any]) -> int:
    """Serves until the supervisor says shutdown. Returns the process's exit status: 0, or 1 when the start failed."""
    log.install(channel.log, start["log_level"])
    breakpoints.install()
    try:
        status = Host(channel, start).serve()
    except BaseException as error:
        failure = _as_failure("load", error)
        channel.start_failed(failure.stage, failure.text, failure.traceback)
        status = 1
    attribution.uninstall()
    tell_tasks_as_before()
    channel.flush(FLUSH_SECONDS)
    _flush_stdio()
    return status


class Host:
    """One lambda in one process."""

    def __init__(self, channel: Channel, start: Mapping[str, Any]) -> None:
        """Imports the lambda. Raises StartFailure."""
        self._channel = channel
        self._root = os.path.abspath(start["lambda_root"])
        settings: dict[str, Any] = json.loads(start.get("settings") or "{}")
        self._context = Context(settings.get("user_config"))
        self._loop, self._loop_name = make_loop(start["event_loop"])
        asyncio.set_event_loop(self._loop)
        attribution.install(channel, self._loop)
        luna.configure(start.get("settings", "{}"), self._root)
        self._configurator = Configurator(luna, self._loop)
        lambda_id = str(start["lambda_id"])
        monitoring.configure(settings.get("monitoring"), lambda_id, self._loop)
        self._points: monitoring.RequestPoints | None = None
        if monitoring.is_on():
            self._points = monitoring.RequestPoints(channel, f"lambda-{lambda_id}", monitoring.send_line)
            channel = self._channel = self._points
        credit = start.get("stream_credit", DEFAULT_CREDIT)
        self._running = Running(channel, self._loop, self._find, credit, self._root)
        tell_tasks_by(self._loop, self._running.current)
        config, self._lambda = preloading.taken(self._root) or preloading.load(self._root)
        asyncio.set_event_loop(self._loop)  # asyncio.run at import time has taken it away
        self._main = serving.main_work(self._lambda)
        self._task_calls = serving.task_calls(self._lambda, self._context, lambda_id)
        self._table, self._model = serving.build(self._lambda, self._main, config or {}, self._root, start)
        self._user_context: UserContext | None = None
        self._shutdown: Shutdown | None = None
        self._failure: StartFailure | None = None
        self._finished = False
        self._is_ready = False
        metrics = getattr(self._lambda.module, "USER_METRICS", None) or []
        metrics_sink.register(metrics, self._model.id)
        self._has_metrics = bool(metrics) or self._task_calls is not None

    def serve(self) -> int:
        """Runs the loop until the shutdown is over. Returns 0, or 1 when the loop broke. Raises StartFailure."""
        loop = self._loop
        loop.set_exception_handler(log_exception)
        self._channel.attach(
            loop,
            self._on_request,
            self._on_cancel,
            self._on_shutdown,
            self._running.add_credit,
            self._on_stacks,
            self._running.take_first_steps,
            log.set_level,
            metrics_sink.sink.flush if self._has_metrics else None,  # What a request counts is there when its answer is.
        )
        metrics_sink.attach(self._channel, loop)
        self._starting = asyncio.Task(self._start(), loop=loop, name="onStart")
        try:
            fault = run_until(loop, lambda: self._finished)
        finally:
            metrics_sink.detach()
            self._channel.detach()
            if not loop.is_running() and not loop.is_closed():
                loop.close()
        if self._failure is not None:
            raise self._failure
        if fault and not self._is_ready:
            cause = "the import of the lambda, or its onStart, has taken away what it needs (a limit?)"
            raise StartFailure(f"{fault}; {cause}")
        return 1 if fault else 0

    async def _start(self) -> None:
        try:
            await self._configurator.start()
            self._user_context = UserContext(self._lambda.user_context, self._root)
            self._context.userCtx = self._user_context.instance
            await self._user_context.start()
        except BaseException as error:
            if self._shutdown is None:  # else onStart was cancelled by it
                self._failure = _as_failure("onStart", error)
            self._finish()
            return
        if self._shutdown is None:
            self._is_ready = True
            self._channel.ready(self._lambda.lambda_type, self._loop_name)
        else:
            self._shutdown.begin(self._user_context)

    def _finish(self) -> None:
        self._finished = True
        self._loop.stop()

    # What the channel calls.

    def _on_request(
        self,
        id: int,
        slot: int,
        time_left: float,
        method: str,
        path: bytes,
        query: bytes,
        headers: Iterable[tuple[str, str]],
        peer: str,
        request_id: str,
        http_minor: int,
        body: bytes,
    ) -> None:
        try:
            request = _new_request(StandaloneLambdaRequest)
            _fill_request(request, self._context, request_id, method, path, query, headers, body, peer, http_minor)
            if self._points is not None and method != task_main.METHOD:
                self._points.began(id, request)
            if path == b"/main" and method == "POST" and self._main is not None:
                self._running.start(id, slot, request_id, self._main, request)
            elif method == task_main.METHOD and self._task_calls is not None:
                work = self._task_calls.work(path, request_id, body)
                self._running.start(id, slot, request_id, work, request)
            else:
                self._route(id, slot, request_id, request, method, path)
        except HostError as error:
            self._running.fail_with(id, error)
        except BaseException as error:  # a signal handler of the lambda may raise anything anywhere
            self._running.fail(id, INTERNAL, f"{INTERNAL.detail}: {summary_of(error)}")
            log.RequestLogger(request_id).error("the host failed on a request\n%s", traceback_of(error))

    def _route(
        self, id: int, slot: int, request_id: str, request: StandaloneLambdaRequest, method: str, path: bytes
    ) -> None:
        """Starts what answers the request, or answers it at once. Raises HostError."""
        found = self._table.find_now(method, path)
        if found is None:
            self._running.start(id, slot, request_id, None, request)
            return
        work, arguments = found
        if work.immediate is None:
            self._running.start(id, slot, request_id, work, request, arguments)
            return
        try:
            reply = work.immediate(request)
        except HostError as error:
            self._running.fail_with(id, error, work.route)
        else:
            if reply is None:
                self._running.start(id, slot, request_id, work, request, arguments)
                return
            self._channel.respond(id, reply.status, reply.headers, reply.body, work.route)

    def _find(self, request: StandaloneLambdaRequest) -> tuple[Work, dict[str, Any]]:
        return self._table.find(request.method, request._raw_path)

    def _on_cancel(self, id: int, reason: str) -> None:
        self._running.cancel(id, reason)

    def _on_stacks(self, id: int) -> None:
        self._channel.stacks(id, self._running.stacks())

    def _on_shutdown(self, limit: float) -> None:
        if self._shutdown is not None:
            return
        self._configurator.stop()
        self._shutdown = Shutdown(self._loop, self._running, limit, self._finish)
        if self._starting.done():
            assert self._user_context is not None
            self._shutdown.begin(self._user_context)
        else:
            self._starting.cancel()


def _as_failure(stage: str, error: BaseException) -> StartFailure:
    """What the lambda has raised where nothing of it was expected to run, as a failed start."""
    if isinstance(error, StartFailure):
        return error
    return StartFailure(f"{summary_of(error)} was raised by the lambda", traceback_of(error), stage)


def _flush_stdio() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # None, closed, or a pipe whose reader is gone
            pass
