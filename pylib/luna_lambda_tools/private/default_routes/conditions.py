"""Conditional and range requests for one file: RFC 9110, sections 13 and 14."""

from __future__ import annotations

import calendar
import os
import re
import time
from typing import Iterable, NamedTuple

_ETAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_TIME = r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)"
_DATES = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"[A-Z][a-z]{{2}}, (?P<day>0[1-9]|[12]\d|3[01]) {_MONTH} (?P<year>\d{{4}}) {_TIME} GMT",
        rf"[A-Z][a-z]+, (?P<day>0[1-9]|[12]\d|3[01])-{_MONTH}-(?P<year>\d\d) {_TIME} GMT",
        rf"[A-Z][a-z]{{2}} {_MONTH} (?P<day>[ 0][1-9]|[12]\d|3[01]) {_TIME} (?P<year>\d{{4}})",
    )
)

Headers = Iterable[tuple[str, str]]


class ByteRange(NamedTuple):
    """Where a part begins and how long it is."""

    first: int
    length: int


def strong_etag(status: os.stat_result) -> str:
    """From the time of the last change and the size: the same for all workers, since they share the file."""
    return f'"{status.st_mtime_ns:x}-{status.st_size:x}"'


def http_date(seconds: float) -> str:
    """IMF-fixdate."""
    at = time.gmtime(seconds)
    return time.strftime(f"{_DAYS[at.tm_wday]}, %d {_MONTHS[at.tm_mon - 1]} %Y %H:%M:%S GMT", at)


def has_changed(headers: Headers, etag: str, modified: float) -> bool:
    """False when the client's copy is still good. If-None-Match counts more than If-Modified-Since."""
    known = _values(headers, "if-none-match")
    if known:
        value = ",".join(known)
        return value.strip() != "*" and etag not in _ETAG.findall(value)
    dates = _values(headers, "if-modified-since")
    since = _seconds(dates[0]) if len(dates) == 1 else None
    return since is None or int(modified) > since


def requested_range(headers: Headers, size: int, etag: str, modified: float) -> ByteRange | None:
    """The part to send; None for the whole file, of length 0 when the range lies outside the file.

    The whole file is what those get who ask for several ranges, in words that are not understood, under an If-Range
    that does not hold, or for a part of an empty file, of which there is none.
    """
    values = _values(headers, "range")
    match = _RANGE.fullmatch(values[0]) if len(values) == 1 else None
    if match is None or size == 0 or not _is_current(_values(headers, "if-range"), etag, modified):
        return None
    first, last = match.groups()
    if not first:
        if not last:
            return None
        length = min(int(last), size)
        return ByteRange(size - length, length)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        return ByteRange(size, 0)
    end = min(int(last), size - 1) if last else size - 1
    return ByteRange(int(first), end + 1 - int(first))


def _is_current(values: list[str], etag: str, modified: float) -> bool:
    """Whether If-Range holds: a strong comparison, of the tag or of the date."""
    if not values:
        return True
    value = values[0].strip()
    if value.startswith(('"', "W/")):
        return value == etag
    return _seconds(value) == int(modified)


def _values(headers: Headers, name: str) -> list[str]:
    return [value for key, value in headers if key.lower() == name]


def _seconds(date: str) -> int | None:
    """A date in one of HTTP's three formats; None when it is none."""
    for pattern in _DATES:
        match = pattern.fullmatch(date.strip())
        if match is None:
            continue
        day, month, year, hour, minute, second = match.group("day", "month", "year", "hour", "minute", "second")
        number = int(year)
        if len(year) == 2:  # RFC 9110: what looks like more than 50 years ahead is in the past
            this = time.gmtime().tm_year
            number += this - this % 100
            number -= 100 if number > this + 50 else 0
        parts = (number, _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second))
        try:
            return calendar.timegm(parts)
        except (ValueError, OverflowError):
            return None
    return None
