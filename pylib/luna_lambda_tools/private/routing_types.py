"""The types that a route's parameters can have, in the order of Sanic's: the later one wins at the same place."""

from __future__ import annotations

import re
import uuid
from datetime import date, datetime
from typing import Any, Callable, Final, NamedTuple


class ParameterType(NamedTuple):
    """One type.

    ``convert`` decides alone where the type fills a whole segment of the path: it raises ValueError for what does not
    match. ``pattern`` counts, too, in routes that are matched as a whole.
    """

    priority: int
    pattern: str
    convert: Callable[[str], Any]


EXTENSION: Final = r"[a-z0-9](?:[a-z0-9.]*[a-z0-9])?"
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def _non_empty(text: str) -> str:
    if not text:
        raise ValueError("empty")
    return text


def _file_name(text: str) -> tuple[str, ...]:
    words = tuple(text.split("."))
    if len(words) == 1 or not all(words):
        raise ValueError("not a file name with an extension")
    return words


def _slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        raise ValueError("not a slug")
    return text


def _alpha(text: str) -> str:
    if not text.isalpha():
        raise ValueError("not all letters")
    return text


def _ymd(text: str) -> date:
    # The first call, below, imports what it needs: later a lambda's own modules might be found instead.
    return datetime.strptime(text, "%Y-%m-%d").date()


_IN_ORDER: Final[tuple[tuple[str, str, Callable[[str], Any]], ...]] = (
    ("strorempty", r"[^/]*", str),
    ("str", r"[^/]+", _non_empty),
    ("ext", rf"[^/]+\.{EXTENSION}", _file_name),
    ("slug", r"[a-z0-9]+(?:-[a-z0-9]+)*", _slug),
    ("alpha", r"[A-Za-z]+", _alpha),
    ("path", r"[^/]?.*?", str),
    ("float", r"-?(?:\d+(?:\.\d*)?|\.\d+)", float),
    ("int", r"-?\d+", int),
    ("ymd", r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", _ymd),
    ("uuid", r"[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}", uuid.UUID),
)
TYPES: Final[dict[str, ParameterType]] = {
    name: ParameterType(priority, pattern, convert) for priority, (name, pattern, convert) in enumerate(_IN_ORDER)
}
_ymd("2000-01-01")
