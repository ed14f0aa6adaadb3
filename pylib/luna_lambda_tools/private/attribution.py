"""Which request's code it is that runs, so that a request that kills or blocks its worker can be named.

Child tasks inherit the request, and so do the threads of the loop's default executor (``run_in_executor(None, ...)``,
``asyncio.to_thread``). Callbacks (``call_soon``) and threads of the lambda's own belong to nobody, and neither do tasks
once a lambda has set a task factory of its own.
"""

from __future__ import annotations

import asyncio
import os
import posix
from concurrent.futures import Future
from concurrent.futures.thread import ThreadPoolExecutor
from contextvars import Context, ContextVar
from types import CoroutineType
from typing import Any, Callable, Coroutine, Generator, NoReturn, Protocol, TypeVar

from . import log

Result = TypeVar("Result")

_exit = os._exit


class AttributionChannel(Protocol):
    """The part of the channel that says whose code runs."""

    def stepped(self, coroutine: Any, id: int) -> Any:
        """The coroutine, telling whose code it is whenever it takes a step."""

    def take_first_step(self, coroutine: Any, id: int, slot: int, variable: ContextVar[Any], value: Any) -> Any:
        """Marks the request in this slot as begun and takes its coroutine's first step, without a task, in a context of
        its own in which the variable has the value.

        Gives None when that was all; else the stepped coroutine, with that ``context``, of which a task is to be made.
        """

    def first_step(self) -> Any:
        """The stepped coroutine that is at its first step now, or None. A task that is made of it goes on from there."""

    def run_as(self, id: int, function: Callable[..., Result], *arguments: Any, **keywords: Any) -> Result: ...

    def exit(self, status: int, id: int) -> NoReturn: ...


def install(channel: AttributionChannel, loop: asyncio.AbstractEventLoop) -> None:
    """For the loop's tasks and its default executor, and for ``os._exit``."""
    loop.set_task_factory(_task_factory(channel))
    loop.set_default_executor(RequestExecutor(channel))

    def exit(status: int) -> NoReturn:
        """Exit to the system with specified status, without normal exit processing."""
        channel.exit(status, log.request.get()[0])

    exit.__name__ = exit.__qualname__ = "_exit"
    os._exit = posix._exit = exit


def uninstall() -> None:
    """Gives ``os._exit`` back."""
    os._exit = posix._exit = _exit


def _task_factory(channel: AttributionChannel) -> Callable[..., asyncio.Task[Any]]:
    request = log.request
    stepped = channel.stepped
    new_task = asyncio.Task

    def make_task(
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        *,
        context: Context | None = None,
        **options: Any,
    ) -> asyncio.Task[Any]:
        if context is None:
            id = request.get()[0]
        else:
            id = context.get(request, (0, ""))[0]
            options["context"] = context
        # What is no coroutine is the task's to refuse.
        if id and (type(coroutine) is CoroutineType or asyncio.iscoroutine(coroutine)):
            coroutine = stepped(coroutine, id)
        return new_task(coroutine, loop=loop, **options)

    return make_task


class RequestExecutor(ThreadPoolExecutor):
    """As many threads, with the same names, as an event loop's own default executor has."""

    def __init__(self, channel: AttributionChannel) -> None:
        super().__init__(thread_name_prefix="asyncio")
        self._run_as = channel.run_as

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As code of the request that submits it."""
        id = log.request.get()[0]
        if not id:
            return super().submit(fn, *args, **kwargs)
        return super().submit(self._run_as, id, fn, *args, **kwargs)
