"""What asyncio tasks wait for, as text for people: the chain of awaits from the lambda's line to the innermost one.

Python's own ``Task.print_stack`` shows the outermost frame only, and a traceback of the thread the event loop's.
Nothing here raises or runs code of the lambda, and every text is bounded.
"""

from __future__ import annotations

import asyncio
import gc
import linecache
import os
from types import AsyncGeneratorType, CodeType, CoroutineType, GeneratorType
from typing import Any, Iterable, Iterator, NamedTuple

from .failures import relative_name

LONGEST_TEXT = 256 * 1024
_MOST_FRAMES = 100
_MOST_TASKS = 1000
_LONGEST_SOURCE = 100
_LONGEST_NAME = 100
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_CHAINS = (CoroutineType, GeneratorType, AsyncGeneratorType)


class Owner(NamedTuple):
    """The request that a task belongs to."""

    number: int  # 0: none
    request_id: str = ""  # "": the request has been answered
    age: float = 0.0  # seconds


def owner_number(task: asyncio.Task[Any]) -> int:
    """The number of the request that the task belongs to; 0 for none."""
    number = getattr(task.get_coro(), "lambdapool_request", 0)
    return number if isinstance(number, int) else 0


def text_of_tasks(tasks: Iterable[tuple[asyncio.Task[Any], Owner]], root: str) -> str:
    """A paragraph for each task; those of the host alone are left out. root: the lambda's folder."""
    parts: list[str] = []
    size = count = left_out = 0
    for task, owner in tasks:
        count += 1
        if size > LONGEST_TEXT or count > _MOST_TASKS:
            left_out += 1
            continue
        try:
            part = _text_of_task(task, owner, root)
        except Exception as error:  # a task that is no task, a name that cannot be shown
            part = f"a task that cannot be told: {type(error).__name__}"
        size += len(part) + 1
        if part:
            parts.append(part)
    text = "\n".join(parts)[:LONGEST_TEXT]
    return f"{text}\n… {left_out} more tasks" if left_out else text


def _text_of_task(task: asyncio.Task[Any], owner: Owner, root: str) -> str:
    frames, end = _chain(task)
    own = [frame for frame in frames if not frame[0].co_filename.startswith(_PACKAGE)]
    if not own and not owner.number:
        return ""
    while own and frames[0] is not own[0]:  # the host's outer frames say nothing
        del frames[0]
    head = f"task {task.get_name()[:_LONGEST_NAME]!r}"
    if owner.request_id:
        head += f" of request {owner.request_id}, {owner.age:.3f} s old"
    elif owner.number:
        head += " of a request that has been answered"
    lines = [head, *(f"  {_text_of_frame(code, line, root)}" for code, line in frames)]
    if not frames:
        lines.append("  has not begun" if not task.done() else "  is done")
    waits = _text_of_end(end)
    if waits:
        lines.append(f"  {waits}")
    return "\n".join(lines)


def _text_of_frame(code: CodeType, line: int, root: str) -> str:
    name = relative_name(code.co_filename, root) or code.co_filename
    source = linecache.getline(code.co_filename, line).strip()[:_LONGEST_SOURCE]
    return f"{name}:{line} in {code.co_name}" + (f": {source}" if source else "")


def _text_of_end(end: Any) -> str:
    if isinstance(end, asyncio.Task):
        return f"waits for task {end.get_name()[:_LONGEST_NAME]!r}"
    children = getattr(end, "_children", None) if type(end).__name__ == "_GatheringFuture" else None
    if isinstance(children, list):
        return f"waits for {sum(not child.done() for child in children)} of {len(children)} gathered"
    return ""


def _chain(task: asyncio.Task[Any]) -> tuple[list[tuple[CodeType, int]], Any]:
    """The frames from the outermost to the innermost await, and the future that it waits for, if any."""
    frames: list[tuple[CodeType, int]] = []
    thing: Any = task.get_coro()
    for _ in range(_MOST_FRAMES):
        frame, inner = _look_into(thing)
        if frame is not None:
            frames.append((frame.f_code, frame.f_lineno))
        if inner is None or isinstance(inner, asyncio.Future):
            break
        thing = inner
    return frames, getattr(task, "_fut_waiter", None)


def _look_into(thing: Any) -> tuple[Any, Any]:
    """The frame of a suspended coroutine or generator, and what it waits for."""
    for prefix, awaited in (("cr", "cr_await"), ("gi", "gi_yieldfrom"), ("ag", "ag_await")):
        if hasattr(type(thing), f"{prefix}_frame") or isinstance(thing, _CHAINS):
            frame = getattr(thing, f"{prefix}_frame", None)
            if frame is not None:
                return frame, getattr(thing, awaited, None)
    return None, next(_inside(thing), None)


def _inside(thing: Any) -> Iterator[Any]:
    """What iterators of await have inside, which Python shows to its garbage collector only."""
    for inner in gc.get_referents(thing):
        if isinstance(inner, asyncio.Future) or type(inner) in _CHAINS:
            yield inner
