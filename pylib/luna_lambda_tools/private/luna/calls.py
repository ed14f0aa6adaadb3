"""Calls that run whether or not someone awaits them."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any, Coroutine

from .. import log
from ..failures import summary_of

_TO_CANCEL = 0.2  # seconds


class Call(asyncio.Task[Any]):
    """A call of a service that has begun. Awaiting it gives its LunaResponse; cancelling who awaits it cancels it.

    When it fails and nobody has ever asked for its outcome, the log says so, with the id of the request.
    """

    def __init__(self, work: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop, title: str) -> None:
        self.title = title
        self.request_id = log.request.get()[1]
        super().__init__(work, loop=loop, name=title)

    def __del__(self) -> None:
        self.tell()

    def tell(self) -> None:
        """Logs a failure that nobody has asked for, once."""
        if not self._log_traceback:
            return
        self._log_traceback = False
        try:
            error = self.exception()
            if error is not None:
                log.RequestLogger(self.request_id).error("a call that nobody awaited failed: %s", _text_of(error))
        except BaseException:  # the interpreter may be ending
            pass


class Calls:
    """The calls of this process."""

    def __init__(self) -> None:
        self._running: set[Call] = set()
        self._known: weakref.WeakSet[Call] = weakref.WeakSet()

    def begin(self, work: Coroutine[Any, Any, Any], title: str) -> Call:
        """Raises RuntimeError outside of the event loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            work.close()
            raise RuntimeError(
                f"{title}: clients are called on the event loop; from a thread use "
                "asyncio.run_coroutine_threadsafe, or call before asyncio.to_thread"
            ) from None
        call = Call(work, loop, title)
        self._running.add(call)
        self._known.add(call)
        call.add_done_callback(self._running.discard)
        return call

    async def finish(self, seconds: float) -> None:
        """Waits for the calls that run, also those that begin meanwhile, and tells of those that failed unseen."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._running and loop.time() < end:
            await asyncio.wait(set(self._running), timeout=max(0.0, end - loop.time()))
        left = [call for call in self._running if not call.done()]
        if left:
            titles = ", ".join(call.title for call in left[:10])
            log.logger.warning("calls of LUNA's services are given up, %d of them: %s", len(left), titles)
            for call in left:
                call.cancel()
            await asyncio.wait(left, timeout=_TO_CANCEL)
        for call in list(self._known):
            if call.done():
                call.tell()


def _text_of(error: BaseException) -> str:
    from .response import LunaApiException

    return str(error) if isinstance(error, LunaApiException) else summary_of(error)
