"""A point of a lambda's own, and what is read of it."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, ClassVar, Mapping, Union

from .line_protocol import PointError, line_of

_LAST = 2**63 - 1
_last_ns = 0


def unique_ns() -> int:
    """Now, in nanoseconds since 1970, and never the same twice: InfluxDB takes points of one time for one point."""
    global _last_ns
    _last_ns = max(time.time_ns(), _last_ns + 1)
    return _last_ns


class MonitoringPoint:
    """The part of CustomMonitoringPoint that the host knows."""

    series: ClassVar[str]
    service: ClassVar[str] = ""

    def __init__(self, pointTags: Mapping[str, Any], pointFields: Mapping[str, Any]) -> None:
        self.pointTags: dict[str, Any] = dict(pointTags or {})
        self.pointFields: dict[str, Any] = dict(pointFields or {})
        self._ns = unique_ns()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'series', '?')} {self.tags} {self.fields}>"

    @property
    def eventTime(self) -> Union[float, datetime]:
        """When the point was made, in seconds since 1970. An override may return a datetime as well."""
        return self._ns / 1e9

    @property
    def tags(self) -> dict[str, Any]:
        """`service` and the tags that were given."""
        return {"service": self.service, **self.pointTags}

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that were given."""
        return dict(self.pointFields)

    @classmethod
    def initialize(cls, serviceName: str) -> None:
        """Sets the tag `service` of the class's points; the host has set it to `lambda-<lambda id>`."""
        cls.service = serviceName


def line_of_point(point: Any) -> bytes:
    """The point in line protocol. Raises PointError, and whatever properties of the lambda's own raise."""
    series = getattr(point, "series", None)
    if isinstance(point, type) or not all(hasattr(point, name) for name in ("tags", "fields", "eventTime")):
        raise PointError("it must be an instance of a class derived from CustomMonitoringPoint")
    if not isinstance(series, str):
        raise PointError(f'its class has no series; write series = "..." into {type(point).__name__}')
    return line_of(series, point.tags, point.fields, _ns_of(point))


def _ns_of(point: Any) -> int:
    if getattr(type(point), "eventTime", None) is MonitoringPoint.eventTime:
        ns: int = point._ns
        return ns
    moment = point.eventTime
    seconds = moment.timestamp() if isinstance(moment, datetime) else moment
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not abs(seconds * 1e9) < _LAST:
        raise PointError(f"its eventTime is {seconds!r:.60}; it must be seconds since 1970 or a datetime")
    return int(seconds) * 1_000_000_000 + round((seconds - int(seconds)) * 1e9)
