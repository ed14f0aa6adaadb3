"""Metrics of a lambda's own, shown at GET /lambda_metrics in Prometheus' text format.

Source: LUNA manual, page "Lambda metrics"::

    from luna_lambda_tools.public.metrics.user_metrics import Counter

    FACES = Counter("faces_found", "faces found in images", labelNames=["camera"])
    USER_METRICS = [FACES]

    async def main(request):
        FACES.inc(3, labels={"camera": "entrance"})

Declare them at module scope of lambda_main.py; only those listed in USER_METRICS are shown. The host adds up the
values of all workers, and keeps them when a worker is replaced. Outside the host (unit tests of a lambda) everything
works the same way, and `getValue` tells what was counted.

All methods may be called from any thread. They raise ValueError for labels or amounts that do not fit, TypeError for
amounts that are no numbers.
"""

from __future__ import annotations

import bisect
import functools
import inspect
import math
import re
import time
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Iterable, Mapping, Optional, TypeVar, cast

from ...private import metrics_sink

__all__ = ["Counter", "Gauge", "Histogram", "Summary", "monitorLastActivity"]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RESERVED_LABELS = ("lambda_id",)
_MOST_BUCKETS = 1000  # each is two numbers of a frame that holds 4000
_DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

Labels = Optional[Mapping[str, object]]
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class SummaryValue:
    """What a summary has observed."""

    count: float
    sum: float


@dataclass(frozen=True)
class HistogramValue:
    """What a histogram has observed; `buckets` are cumulative, by upper bound, the last one is infinite."""

    count: float
    sum: float
    buckets: dict[float, float]


class _Series:
    """One set of label values: numbers since the beginning, and how much of them has been sent."""

    __slots__ = ("labels", "waiting", "totals", "sent")

    def __init__(self, labels: list[tuple[str, str]], size: int) -> None:
        self.labels = labels
        self.waiting = False
        self.totals = [0.0] * size
        self.sent = [0.0] * size

    def take(self) -> list[float]:
        added = [now - before for now, before in zip(self.totals, self.sent)]
        self.sent = self.totals.copy()
        return added


class _GaugeSeries(_Series):
    def take(self) -> list[float]:
        return self.totals.copy()


class _HistogramSeries(_Series):
    """totals: observations, their sum, one count for each bucket, one for what lies above."""

    __slots__ = ("bounds",)
    bounds: tuple[float, ...]

    def take(self) -> list[float]:
        added = super().take()
        return [*added[:2], *self.bounds, *added[2:]]


class UserMetric(metrics_sink.Metric):
    """What all metrics have.

    Attributes:
        name: as given.
        description: as given.
        labelNames: the names of its labels.
        lambdaId: of the lambda that shows it; None as long as no host has taken it.
    """

    _reserved_labels: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, description: str, labelNames: Optional[Iterable[str]] = None) -> None:
        """Raises ValueError when a name is none that Prometheus takes."""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a metric: letters, digits, _ and :, not a digit first")
        if isinstance(labelNames, str):
            raise ValueError(f'metric "{name}": labelNames is the text {labelNames!r}; write [{labelNames!r}]')
        self.name = name
        self.description = str(description)
        self.labelNames: tuple[str, ...] = tuple(labelNames or ())
        self.lambdaId: Optional[str] = None
        self._check_label_names()
        self._names = frozenset(self.labelNames)
        self._series: dict[tuple[str, ...], _Series] = {}
        if not self.labelNames:
            self._series[()] = self._make_series([])

    def initialize(self, lambdaId: str) -> None:
        """Called by the host once: from now on the values are shown, without labels at once."""
        with metrics_sink.lock:
            self.lambdaId = lambdaId
            for series in self._series.values():
                if not series.waiting:
                    metrics_sink.sink.changed(self, series)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _check_label_names(self) -> None:
        for label in self.labelNames:
            if not isinstance(label, str) or not _LABEL.fullmatch(label):
                raise ValueError(f'metric "{self.name}": {label!r} is no name for a label: letters, digits and _')
            if label.startswith("__") or label in _RESERVED_LABELS + self._reserved_labels:
                raise ValueError(f'metric "{self.name}": the label name "{label}" is reserved; choose another')
        if len(set(self.labelNames)) < len(self.labelNames):
            raise ValueError(f'metric "{self.name}": a label name is given twice: {", ".join(self.labelNames)}')

    def _make_series(self, labels: list[tuple[str, str]]) -> _Series:
        return _Series(labels, 1)

    def _key(self, labels: Labels) -> tuple[str, ...]:
        if not labels and not self.labelNames:
            return ()
        given: Mapping[str, object] = {} if labels is None else labels
        if not isinstance(given, Mapping):
            raise ValueError(f'metric "{self.name}": labels is a {type(labels).__name__}; it must be a dict')
        if given.keys() != self._names:
            raise ValueError(self._labels_fault(given))
        return tuple([_text(given[name]) for name in self.labelNames])

    def _labels_fault(self, given: Mapping[str, object]) -> str:
        missing = [name for name in self.labelNames if name not in given]
        extra = [str(name) for name in given if name not in self._names]
        parts = [f"missing: {', '.join(missing)}"] * bool(missing) + [f"unknown: {', '.join(extra)}"] * bool(extra)
        has = ", ".join(self.labelNames) if self.labelNames else "none"
        return f'metric "{self.name}": labels {"; ".join(parts)} (its labels: {has})'

    def _find(self, key: tuple[str, ...]) -> _Series:
        """The series of the key, made when it is new. The lock is held."""
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = self._make_series(list(zip(self.labelNames, key)))
        return series

    def _touch(self, series: _Series) -> None:
        if not series.waiting and self.lambdaId is not None:
            metrics_sink.sink.changed(self, series)

    def _add(self, amount: float, labels: Labels) -> None:
        key = self._key(labels)
        with metrics_sink.lock:
            series = self._find(key)
            series.totals[0] += amount
            self._touch(series)

    def _totals(self, labels: Labels) -> list[float]:
        key = self._key(labels)
        with metrics_sink.lock:
            series = self._series.get(key)
            return (series or self._make_series([])).totals.copy()

    def _number(self, amount: Any) -> float:
        if isinstance(amount, (str, bytes)):
            raise TypeError(f'metric "{self.name}": {amount!r} is no number')
        try:
            return float(amount)
        except (TypeError, ValueError, OverflowError):
            raise TypeError(f'metric "{self.name}": {amount!r} is no number') from None

    def _finite(self, amount: Any) -> float:
        number = self._number(amount)
        if not math.isfinite(number):
            raise ValueError(f'metric "{self.name}": {number} cannot be added up')
        return number


class Counter(UserMetric):
    """A number that only grows. Prometheus sees it with the ending `_total`."""

    kind = "counter"

    @property
    def exposedName(self) -> str:
        """The name with `_total`."""
        return f"{self.name.removesuffix('_total')}_total"

    def inc(self, amount: float = 1, labels: Labels = None) -> None:
        """Adds. Raises ValueError for a negative amount."""
        number = self._finite(amount)
        if number < 0:
            raise ValueError(f'counter "{self.name}": {amount} is negative; a counter only grows, use a Gauge')
        self._add(number, labels)

    def getValue(self, labels: Labels = None) -> float:
        """What this process has counted."""
        return self._totals(labels)[0]


class Gauge(UserMetric):
    """A number that goes up and down."""

    kind = "gauge"

    def _make_series(self, labels: list[tuple[str, str]]) -> _Series:
        return _GaugeSeries(labels, 1)

    def set(self, value: float, labels: Labels = None) -> None:
        """Sets it."""
        number, key = self._number(value), self._key(labels)
        with metrics_sink.lock:
            series = self._find(key)
            series.totals[0] = number
            self._touch(series)

    def inc(self, amount: float = 1, labels: Labels = None) -> None:
        """Adds."""
        self._add(self._finite(amount), labels)

    def dec(self, amount: float = 1, labels: Labels = None) -> None:
        """Subtracts."""
        self._add(-self._finite(amount), labels)

    def getValue(self, labels: Labels = None) -> float:
        """Its value in this process."""
        return self._totals(labels)[0]


class Summary(UserMetric):
    """How many observations there were, and their sum."""

    kind = "summary"
    _reserved_labels = ("quantile",)

    def exposedNames(self) -> tuple[str, ...]:
        """Its name, `_count` and `_sum`."""
        return (self.name, f"{self.name}_count", f"{self.name}_sum")

    def _make_series(self, labels: list[tuple[str, str]]) -> _Series:
        return _Series(labels, 2)

    def observe(self, amount: float, labels: Labels = None) -> None:
        """Adds an observation."""
        number, key = self._finite(amount), self._key(labels)
        with metrics_sink.lock:
            series = self._find(key)
            series.totals[0] += 1
            series.totals[1] += number
            self._touch(series)

    def getValue(self, labels: Labels = None) -> SummaryValue:
        """What this process has observed."""
        return SummaryValue(*self._totals(labels))


class Histogram(UserMetric):
    """How observations are spread over buckets.

    Attributes:
        buckets: the upper bounds, without the infinite one, which is always there.
    """

    kind = "histogram"
    _reserved_labels = ("le",)

    def __init__(
        self,
        name: str,
        description: str,
        labelNames: Optional[Iterable[str]] = None,
        buckets: Iterable[float] = _DEFAULT_BUCKETS,
    ) -> None:
        """buckets: upper bounds in rising order, at most 1000."""
        bounds = [float(bound) for bound in buckets]
        if bounds and bounds[-1] == math.inf:
            bounds.pop()
        if not bounds:
            raise ValueError(f'histogram "{name}": buckets is empty; give at least one upper bound')
        if len(bounds) > _MOST_BUCKETS:
            raise ValueError(f'histogram "{name}": {len(bounds)} buckets; at most {_MOST_BUCKETS} are possible')
        rising = all(lower < upper for lower, upper in zip(bounds, bounds[1:]))
        if not rising or not all(map(math.isfinite, bounds)):
            raise ValueError(f'histogram "{name}": buckets must be numbers in rising order, not {bounds}')
        self.buckets = tuple(bounds)
        super().__init__(name, description, labelNames)

    def exposedNames(self) -> tuple[str, ...]:
        """Its name, `_bucket`, `_count` and `_sum`."""
        return (self.name, f"{self.name}_bucket", f"{self.name}_count", f"{self.name}_sum")

    def _make_series(self, labels: list[tuple[str, str]]) -> _Series:
        series = _HistogramSeries(labels, 3 + len(self.buckets))
        series.bounds = self.buckets
        return series

    def observe(self, amount: float, labels: Labels = None) -> None:
        """Adds an observation to its bucket."""
        number, key = self._finite(amount), self._key(labels)
        bucket = bisect.bisect_left(self.buckets, number)
        with metrics_sink.lock:
            series = self._find(key)
            totals = series.totals
            totals[0] += 1
            totals[1] += number
            totals[2 + bucket] += 1
            self._touch(series)

    def getValue(self, labels: Labels = None) -> HistogramValue:
        """What this process has observed."""
        count, sum_, *counts = self._totals(labels)
        buckets, below = {}, 0.0
        for bound, here in zip((*self.buckets, math.inf), counts):
            below += here
            buckets[bound] = below
        return HistogramValue(count, sum_, buckets)


_last_activity = Gauge(metrics_sink.LAST_ACTIVITY, "when the lambda was last used, in seconds since 1970")


def monitorLastActivity(func: Function) -> Function:
    """Decorates a function, asynchronous or not: each call sets the gauge `last_activity`, when it begins and ends.

    The gauge is shown as soon as the first decorated function is called; it need not be listed in USER_METRICS.
    """
    if inspect.iscoroutinefunction(func):

        @functools.wraps(func)
        async def monitored_coroutine(*args: Any, **keywords: Any) -> Any:
            _note_activity()
            try:
                return await func(*args, **keywords)
            finally:
                _note_activity()

        return cast(Function, monitored_coroutine)

    @functools.wraps(func)
    def monitored(*args: Any, **keywords: Any) -> Any:
        _note_activity()
        try:
            return func(*args, **keywords)
        finally:
            _note_activity()

    return cast(Function, monitored)


def _note_activity() -> None:
    _last_activity.set(time.time())
    if _last_activity.lambdaId is None:
        _last_activity.initialize(metrics_sink.sink.lambdaId)


def _text(value: object) -> str:
    """A label's value; what UTF-8 cannot hold is replaced."""
    return str(value).encode("utf-8", "replace").decode()
