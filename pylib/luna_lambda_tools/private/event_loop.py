"""The worker's event loop: which one, and how it is kept going."""

from __future__ import annotations

import asyncio
from typing import Any, Callable

from . import log
from .failures import summary_of, traceback_of
from .start_failure import StartFailure


def make_loop(wanted: str) -> tuple[asyncio.AbstractEventLoop, str]:
    """A loop and its name. wanted: "auto" (uvloop when it is installed), "uvloop" or "asyncio". Raises StartFailure."""
    if wanted != "asyncio":
        try:
            import uvloop

            return uvloop.new_event_loop(), "uvloop"
        except Exception as error:
            if wanted == "uvloop":
                raise StartFailure(
                    f"worker.event_loop is uvloop, which cannot be imported: {summary_of(error)}; "
                    "install it (Debian: python3-uvloop) or set worker.event_loop to auto"
                ) from None
            if not isinstance(error, ImportError):
                log.logger.warning("uvloop does not work, asyncio's own loop is used: %s", summary_of(error))
    return asyncio.new_event_loop(), "asyncio"


_MOST_ENDS_WITHOUT_A_TURN = 3

_current_task = asyncio.tasks.current_task
_all_tasks = asyncio.tasks.all_tasks
_own: asyncio.AbstractEventLoop | None = None
_current: Callable[[], asyncio.Task[Any] | None] = lambda: None


def tell_tasks_by(own: asyncio.AbstractEventLoop, current: Callable[[], asyncio.Task[Any] | None]) -> None:
    """Code that runs on the loop, but in no task yet, is in the one that ``current()`` gives.

    Other threads are told as before: ``current()`` makes the task, which only the loop's thread can do once and no more,
    and not after the step has ended.
    """
    global _own, _current
    _own, _current = own, current


def tell_tasks_as_before() -> None:
    """Undoes tell_tasks_by()."""
    global _own
    _own = None


def _told_current_task(loop: asyncio.AbstractEventLoop | None = None) -> asyncio.Task[Any] | None:
    task = _current_task(loop)
    if task is None and _own is not None and (loop is None or loop is _own) and asyncio._get_running_loop() is _own:
        return _current()
    return task


def _told_all_tasks(loop: asyncio.AbstractEventLoop | None = None) -> set[asyncio.Task[Any]]:
    if _own is not None and asyncio._get_running_loop() is _own:
        _current()  # It is one of them.
    return _all_tasks(loop)


# At once: a lambda may be imported before there is a loop, and takes them by name.
for _asked, _answer in ((_current_task, _told_current_task), (_all_tasks, _told_all_tasks)):
    _answer.__name__, _answer.__qualname__, _answer.__doc__ = _asked.__name__, _asked.__qualname__, _asked.__doc__
    setattr(asyncio, _asked.__name__, _answer)
    setattr(asyncio.tasks, _asked.__name__, _answer)


def run_until(loop: asyncio.AbstractEventLoop, finished: Callable[[], bool]) -> str:
    """Runs the loop until ``finished()``, whatever a lambda does to end it before.

    Returns "", or why the loop cannot go on: it is closed, or ends again and again before it has made a turn.
    """
    turns = _Turns()
    while not finished():
        loop.call_soon(turns.count)
        try:
            loop.run_forever()
        except BaseException as error:
            if loop.is_closed():
                return _told(f"the lambda closed the event loop: {summary_of(error)}")
            if turns.are_missing():
                return _told(f"the event loop does not run: {turns.first or summary_of(error)}")
            turns.first = turns.first or summary_of(error)
            log.logger.warning("%s left the event loop, which goes on\n%s", summary_of(error), traceback_of(error))
        else:
            if not finished():
                log.logger.warning("the lambda stopped the event loop, which goes on")
    return ""


class _Turns:
    """Whether the loop turns at all between its ends."""

    def __init__(self) -> None:
        self.first = ""  # why it first ended without a turn
        self._without = 0

    def count(self) -> None:
        self._without, self.first = -1, ""

    def are_missing(self) -> bool:
        """Called at each end."""
        self._without += 1
        return self._without >= _MOST_ENDS_WITHOUT_A_TURN


def _told(reason: str) -> str:
    log.logger.error("%s", reason)
    return reason


def log_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's exception handler: what no one awaited, in the log, with the request's id where Python tells it."""
    error = context.get("exception")
    text = str(context.get("message") or "unhandled exception in the event loop")
    for key in ("task", "future", "handle"):
        if key in context:
            text += f"\n{key}: {_shown(context[key])}"
    if isinstance(error, BaseException):
        text += f"\n{traceback_of(error)}"
    log.RequestLogger(_request_id_of(context)).error("%s", text)


def _request_id_of(context: dict[str, Any]) -> str:
    current = log.request.get()[1]
    if current:
        return current
    for key in ("task", "future", "handle"):
        source = context.get(key)
        get_context = getattr(source, "get_context", None)  # tasks and handles, Python 3.12
        try:
            found = get_context() if get_context is not None else getattr(source, "_context", None)
            request_id = found.get(log.request, (0, ""))[1] if found is not None else None
        except Exception:
            continue
        if request_id:
            return str(request_id)
    return ""


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:
        return f"a {type(value).__name__}"
