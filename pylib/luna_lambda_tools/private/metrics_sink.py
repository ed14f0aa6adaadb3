"""The way of metrics to the supervisor, which adds up those of all workers.

Every change of a series is added to what the series has not sent yet; once per turn of the loop all that has changed is
sent. Until `attach` everything is kept, so nothing is lost of what module scope and onStart count. Without a host (unit
tests of a lambda) nothing is ever sent and the values stay readable.

May be used from any thread. A forked child sends nothing.
"""

from __future__ import annotations

import asyncio
import os
import threading
from abc import ABC, abstractmethod
from typing import Any, Callable, ClassVar, Protocol, Sequence

from .log import logger
from .start_failure import StartFailure

LAST_ACTIVITY = "last_activity"

# What the supervisor itself shows beside a lambda's metrics.
_RESERVED_NAMES = frozenset(
    {"request_count", "errors_count", "request_errors", "requests", "tasks_counter", "agent_counter", LAST_ACTIVITY}
)
_RESERVED_PREFIXES = ("lambdapool_", "__")


class Series(Protocol):
    """One metric with one set of label values."""

    labels: list[tuple[str, str]]
    waiting: bool  # whether it is in the sink's list of series to send

    def take(self) -> list[float]:
        """What has not been sent yet, as the frame `metric` has it; it counts as sent afterwards."""


class Metric(ABC):
    """What a lambda declares: the part of a metric that the host knows."""

    kind: ClassVar[str]
    name: str
    description: str

    @property
    def exposedName(self) -> str:
        """The name under which Prometheus sees it."""
        return self.name

    def exposedNames(self) -> tuple[str, ...]:
        """The names of all its samples."""
        return (self.exposedName,)

    @abstractmethod
    def initialize(self, lambdaId: str) -> None:
        """Called once: from now on the metric's values are sent."""


Send = Callable[[str, str, str, Sequence[tuple[str, str]], Sequence[float]], None]

#: Guards all values of all metrics. Reentrant: a finalizer may count while its thread is counting.
lock = threading.RLock()


class Sink:
    """Where series go when they change; there is one in a process."""

    def __init__(self) -> None:
        self.lambdaId = ""
        self._waiting: list[tuple[Metric, Series]] = []
        self._send: Send | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._scheduled = False

    def attach(self, send: Send, loop: asyncio.AbstractEventLoop) -> None:
        """From now on, and for what waits already, `send` is called on the loop's thread, which is this one."""
        with lock:
            self._send, self._loop, self._thread = send, loop, threading.get_ident()
            self._scheduled = False
            if self._waiting:
                self._schedule()

    def detach(self) -> None:
        """Sends what waits; afterwards changes are kept again."""
        self.flush()
        with lock:
            self._send = self._loop = None
            self._scheduled = False

    def changed(self, metric: Metric, series: Series) -> None:
        """The series is to be sent. Call it with the lock held and only when the series is not waiting yet."""
        series.waiting = True
        self._waiting.append((metric, series))
        if not self._scheduled and self._loop is not None:
            self._schedule()

    def flush(self) -> None:
        """Sends what waits, now. To be called on the loop's thread."""
        with lock:
            self._scheduled = False
            if self._send is None:
                return
            waiting, self._waiting = self._waiting, []
            frames = []
            for metric, series in waiting:
                series.waiting = False
                frames.append((metric.kind, metric.exposedName, metric.description, series.labels, series.take()))
            send = self._send
        for frame in frames:
            try:
                send(*frame)
            except Exception as error:
                logger.error('the metric "%s" is lost: %s: %s', frame[1], type(error).__name__, error)

    def forget(self) -> None:
        """Drops everything: in a forked child, whose numbers are the parent's already, and after a test."""
        self.__init__()  # type: ignore[misc]

    def _schedule(self) -> None:
        assert self._loop is not None
        try:
            if threading.get_ident() == self._thread:
                self._loop.call_soon(self.flush)
            else:
                self._loop.call_soon_threadsafe(self.flush)
        except RuntimeError:  # the loop is closed: the process ends
            return
        self._scheduled = True


sink = Sink()


def attach(channel: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Sends metrics through ``channel.metric`` from now on."""
    sink.attach(channel.metric, loop)


def detach() -> None:
    """Sends what is left; for the end, before the channel's last flush."""
    sink.detach()


def register(metrics: object, lambda_id: str) -> None:
    """Takes the lambda's USER_METRICS, all of them or none. Raises StartFailure that names what is wrong."""
    if not isinstance(metrics, (list, tuple)):
        raise StartFailure(
            f"lambda_main.py: USER_METRICS is a {type(metrics).__name__}; it must be a list: [COUNTER, ...]"
        )
    faults = list(_faults(metrics))
    if faults:
        raise StartFailure.of_lines(f"lambda_main.py: {fault}" for fault in faults)
    sink.lambdaId = lambda_id
    for metric in metrics:
        metric.initialize(lambda_id)


def _faults(metrics: Sequence[Any]) -> list[str]:
    faults: list[str] = []
    owners: dict[str, str] = {}
    for index, metric in enumerate(metrics):
        place = f"USER_METRICS[{index}]"
        if isinstance(metric, type) or not isinstance(metric, Metric):
            shown = f"the class {metric.__name__}" if isinstance(metric, type) else f"of type {type(metric).__name__}"
            faults.append(f"{place} is {shown}; it must be a Counter, Gauge, Histogram or Summary")
            continue
        base = metric.exposedName.removesuffix("_total")
        if base in _RESERVED_NAMES or metric.name in _RESERVED_NAMES or metric.name.startswith(_RESERVED_PREFIXES):
            faults.append(f'{place}: the name "{metric.name}" is taken by the host; choose another')
        for exposed in metric.exposedNames():
            owner = owners.setdefault(exposed, place)
            if owner != place:
                faults.append(f'{place}: "{metric.name}" is shown as {exposed}, and so is {owner}; choose another name')
                break
    return faults


_kept_at_fork = False


def keep_at_fork(kept: bool) -> None:
    """Whether a forked child has the numbers that were counted before: a worker has those of its template."""
    global _kept_at_fork
    _kept_at_fork = kept


def _after_fork_in_child() -> None:
    global lock
    lock = threading.RLock()
    if not _kept_at_fork:
        sink.forget()


os.register_at_fork(after_in_child=_after_fork_in_child)
