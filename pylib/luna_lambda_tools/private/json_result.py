"""What a lambda returned, as JSON text.

The encoder of the standard library does the work. Only when it fails is the value walked, to name what is at fault;
the walk keeps its own stack, so that a value that was too deep for the encoder is not too deep for it.
"""

from __future__ import annotations

import json
import math
from types import CoroutineType
from typing import Any, Iterator

from .errors import BAD_RESULT, HostError

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_open_containers: dict[int, Any] = {}  # the encoder's own; empty between its calls
# What the encoder makes anew for each of its calls. Its parts of text come in a tuple.
_parts = json.encoder.c_make_encoder(  # type: ignore[misc]
    _open_containers, _encoder.default, json.encoder.encode_basestring, None, ":", ",", False, False, False
)
_DEEP = 900
_SHOWN_STEPS = 6
_SHOWN_CHARACTERS = 60

Path = tuple["Path", str] | None  # the way to a value: (the way to what holds it, "[2]")


class BadResult(HostError):
    """The lambda returned what JSON cannot hold; the detail names the place."""

    def __init__(self, detail: str) -> None:
        super().__init__(BAD_RESULT, detail)


def encode(result: object) -> bytes:
    """JSON in UTF-8, without spaces. Raises BadResult."""
    try:
        return "".join(_parts(result, 0)).encode()
    except Exception as error:
        cause = error
        _open_containers.clear()
    raise BadResult(_explain(result, cause)) from None


def _explain(result: object, cause: Exception) -> str:
    try:
        found = _find_fault(result, _DEEP if isinstance(cause, RecursionError) else None)
    except Exception:  # the value's own methods fail
        found = None
    return found or f"result cannot be written as JSON: {type(cause).__name__}: {_text(cause)}"


def _find_fault(result: object, depth_limit: int | None) -> str | None:
    fault = _fault_of(result)
    if fault:
        return f"result {fault}"
    if not isinstance(result, (dict, list, tuple)):
        return None
    stack: list[tuple[Iterator[tuple[str, Any, str | None]], Path, int]] = [(_children(result), None, id(result))]
    open_containers = {id(result)}
    while stack:
        children, path, identity = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            open_containers.discard(identity)
            continue
        step, value, key_fault = child
        if key_fault:
            return f"{_show(path)} {key_fault}"
        here = (path, step)
        if id(value) in open_containers:
            return f"{_show(here)} contains itself, which JSON cannot hold"
        fault = _fault_of(value)
        if fault:
            return f"{_show(here)} {fault}"
        if isinstance(value, (dict, list, tuple)):
            if depth_limit is not None and len(stack) >= depth_limit:
                return f"{_show(here)} is nested too deeply for JSON: more than {depth_limit} levels"
            stack.append((_children(value), here, id(value)))
            open_containers.add(id(value))
    return None


def _children(container: dict[Any, Any] | list[Any] | tuple[Any, ...]) -> Iterator[tuple[str, Any, str | None]]:
    """(step, value, what is wrong with the key) of each member."""
    if isinstance(container, dict):
        for key, value in container.items():
            yield f"[{_key(key)}]", value, _key_fault(key)
    else:
        for index, value in enumerate(container):
            yield f"[{index}]", value, None


def _key_fault(key: object) -> str | None:
    if isinstance(key, str):
        half = _surrogate(key)
        return f"has the key {_key(key)} with {half}" if half else None
    if key is None or isinstance(key, (bool, int, float)):
        fault = _fault_of(key)
        return f"has a key that {fault}" if fault else None
    return f"has the key {_text(key, as_repr=True)}, {_article(key)}; JSON keys are strings"


def _fault_of(value: object) -> str | None:
    if value is None or isinstance(value, (bool, dict, list, tuple)):
        return None
    if isinstance(value, str):
        half = _surrogate(value)
        return f"has {half}" if half else None
    if isinstance(value, int):
        try:
            int.__repr__(value)
        except ValueError:
            return "is an int with too many digits to be written"
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else f"is {float.__repr__(value)}, which JSON cannot hold"
    hint = "; write await before the call that gave it" if isinstance(value, CoroutineType) else ""
    return f"is {_article(value)}, which JSON cannot hold{hint}"


def _surrogate(text: str) -> str | None:
    try:
        str.encode(text)
    except UnicodeEncodeError as error:
        return f"a lone surrogate ({text[error.start]!r} at index {error.start}), which UTF-8 cannot hold"
    return None


def _article(value: object) -> str:
    name = type(value).__qualname__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _text(value: object, as_repr: bool = False) -> str:
    try:
        text = repr(value) if as_repr else str(value)
    except Exception:
        return f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _key(key: object) -> str:
    if isinstance(key, str) and len(key) <= _SHOWN_CHARACTERS:
        return json.dumps(key, ensure_ascii=_surrogate(key) is not None)
    return _text(key, as_repr=True)


def _show(path: Path) -> str:
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(step)
    steps.reverse()
    if len(steps) > 2 * _SHOWN_STEPS:
        steps[_SHOWN_STEPS:-_SHOWN_STEPS] = ["…"]
    return "result" + "".join(steps)
