"""What a response of a lambda may be, told before the supervisor would refuse it."""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SHOWN = 60
_MOST_KNOWN = 1000
_known_names: set[str] = set()  # that have been found good


def checked_status(status: Any) -> int:
    """Raises ValueError unless it is an int from 200 to 599."""
    if type(status) is int and 200 <= status <= 599:
        return status
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise ValueError(f"the status of a response is {_shown(status)}; it must be an int from 200 to 599")
    return int(status)


def checked_headers(headers: Mapping[str, Any] | Iterable[tuple[str, Any]] | None) -> list[tuple[str, str]]:
    """The headers as names and texts, in order. Raises ValueError or TypeError that names the one at fault."""
    if headers is None:
        return []
    items = getattr(headers, "items", None)
    pairs: Iterable[Any] = items() if items is not None else headers
    checked: list[tuple[str, str]] = []
    for pair in pairs:
        try:
            name, value = pair
        except (TypeError, ValueError):
            raise TypeError(f"headers must be a dict, or pairs of name and value; {_shown(pair)} is no pair") from None
        if type(name) is not str or name not in _known_names:
            name = _name(name)
        # What is printable ASCII is good: most values are.
        if type(value) is str and value.isascii() and value.isprintable():
            value = value.strip(" ")
        else:
            value = _value(name, value)
        checked.append((name, value))
    return checked


def checked_body(body: Any) -> bytes:
    """Raises TypeError unless it is a str, bytes, bytearray, memoryview or None."""
    if type(body) is bytes:
        return body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    raise TypeError(f"the body of a response is of type {type(body).__name__}; it must be str or bytes, or given as json")


def _name(name: Any) -> str:
    if isinstance(name, str) and _NAME.fullmatch(name):
        if type(name) is str and len(_known_names) < _MOST_KNOWN:
            _known_names.add(name)
        return name
    raise ValueError(f"{_shown(name)} cannot be the name of a header; names are letters, digits and -")


def _value(name: str, value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise TypeError(f"the value of the header {name} is {_shown(value)}; it must be str, bytes or a number")
    if _FORBIDDEN.search(value):
        raise ValueError(f"the value of the header {name} has a line break or control character: {_shown(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the value of the header {name} has a lone surrogate: {_shown(value)}") from None
    return value.strip(" \t")


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:
        return f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
