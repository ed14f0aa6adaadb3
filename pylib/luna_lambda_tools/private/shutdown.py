"""The orderly end of a worker, once, within its time limit."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, Coroutine, Iterable

from . import log, monitoring
from .failures import summary_of, traceback_of
from .luna.state import luna
from .running import Running
from .user_context import UserContext

_STEP_SECONDS = 1.0  # for each thing that is asked to end and may refuse


class Shutdown:
    """Cancels the requests that still run, runs onShutdown, waits for calls of services, cancels every task that is
    left, writes the last points for monitoring, stops the loop.

    The limit holds for all of it together; what does not end in time is left behind and said in the log.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, running: Running, limit: float, finished: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._running = running
        self._limit = limit
        self._end = loop.time() + limit
        self._finished = finished

    def begin(self, user_context: UserContext) -> None:
        """Called once, on the loop's thread."""
        # Not by the loop: a lambda may have given it a factory of tasks.
        self._task = asyncio.Task(self._run(user_context), loop=self._loop)

    async def _run(self, user_context: UserContext) -> None:
        try:
            await self._wait(self._running.cancel_all("shutdown"), _STEP_SECONDS)
            await self._run_hook(user_context)
            await self._close_clients()
            await self._cancel(asyncio.all_tasks() - {asyncio.current_task()})
            await self._shut_generators()
            await self._send_points()
        except BaseException as error:
            log.logger.error("the shutdown was disturbed: %s\n%s", summary_of(error), traceback_of(error))
        finally:
            self._finished()

    async def _run_hook(self, user_context: UserContext) -> None:
        task = asyncio.Task(_logged("onShutdown", user_context.shut_down()), loop=self._loop)
        await self._wait([task], self._limit)
        if not task.done():
            log.logger.error("onShutdown did not end within %g s and is cancelled", self._limit)
            task.cancel()
            await asyncio.wait([task], timeout=min(_STEP_SECONDS, self._limit))

    async def _close_clients(self) -> None:
        """Lets calls of LUNA's services end that are on their way, with time left for what comes after."""
        left = max(0.0, self._end - self._loop.time() - min(_STEP_SECONDS, self._limit / 10))
        task = asyncio.Task(_logged("the clients of LUNA's services", luna.close(left)), loop=self._loop)
        await self._wait([task], left + _STEP_SECONDS)

    async def _cancel(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        await self._wait(left, _STEP_SECONDS)
        stubborn = [task for task in left if not task.done()]
        if stubborn:
            log.logger.warning("%d tasks of the lambda do not end and are left behind", len(stubborn))

    async def _shut_generators(self) -> None:
        work = _logged("an asynchronous generator", self._loop.shutdown_asyncgens())
        task = asyncio.Task(work, loop=self._loop)
        await self._wait([task], _STEP_SECONDS)

    async def _send_points(self) -> None:
        left = max(0.0, self._end - self._loop.time())
        task = asyncio.Task(_logged("writing points", monitoring.close(left)), loop=self._loop)
        await asyncio.wait([task], timeout=left)

    async def _wait(self, tasks: Iterable[asyncio.Task[Any]], seconds: float) -> None:
        waited = [task for task in tasks if not task.done()]
        if waited:
            await asyncio.wait(waited, timeout=max(0.0, min(seconds, self._end - self._loop.time())))


async def _logged(name: str, work: Coroutine[Any, Any, Any] | Awaitable[Any]) -> None:
    try:
        await work
    except BaseException as error:
        log.logger.error("%s failed: %s\n%s", name, summary_of(error), traceback_of(error))
