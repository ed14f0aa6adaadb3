"""Conditional and range requests for one file: RFC 9110, sections 13 and 14."""

from __future__ import annotations

import os
import re
from email.utils import formatdate, parsedate_to_datetime
from typing import NamedTuple, Sequence

_ETAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)

Headers = Sequence[tuple[str, str]]


class ByteRange(NamedTuple):
    """Where a part begins and how long it is."""

    first: int
    length: int


def strong_etag(status: os.stat_result) -> str:
    """From the time of the last change and the size: the same for all workers, since they share the file."""
    return f'"{status.st_mtime_ns:x}-{status.st_size:x}"'


def http_date(seconds: float) -> str:
    """IMF-fixdate."""
    return formatdate(seconds, usegmt=True)


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
    try:
        return int(parsedate_to_datetime(date.strip()).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
