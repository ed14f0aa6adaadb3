"""The body of a request to a handlers lambda, JSON or msgpack, as plain values.

Whatever the bytes are, the outcome is a value that both formats can hold, or a HostError with status 400: numbers are
finite and of at most 64 bits, keys are text and come once, nothing is msgpack's own (ext types, timestamps). What a
message claims to hold is not believed: memory is taken for what is there.
"""

from __future__ import annotations

import json
import math
from typing import Any, Mapping, NoReturn

from .errors import BAD_JSON, ErrorKind, HostError
from .http_headers import parse_parameters

JSON_TYPE = "application/json"
MSGPACK_TYPES = ("application/msgpack", "application/x-msgpack")

_BAD_INPUT = ErrorKind(400, "bad_request", 12031, "Bad/incomplete input data", "{}")
_BAD_TYPE = BAD_JSON._replace(code=12023, detail="Content type is unacceptable allowed types: '{}'")
_BAD_VALUE = BAD_JSON._replace(code=12027, detail="Failed to validate input json. Message: {}")
_NO_DATA = BAD_JSON._replace(code=12030, detail="Request does not contain data")

# Of one array or map: a header of five bytes can claim any number, and each claimed element takes memory at once.
MAX_ELEMENTS = 100_000
_LEAST, _MOST = -(2**63), 2**64 - 1
_LONGEST_NUMBER = 20  # digits and sign


class _Refused(Exception):
    """The text says why."""


def decode(headers: Mapping[str, str], body: bytes) -> Any:
    """The body's value, by its Content-Type; without one it is taken for JSON. Raises HostError."""
    media = parse_parameters(headers.get("content-type", JSON_TYPE))[0].strip().lower()
    if media == JSON_TYPE:
        return _decode_json(body)
    if media in MSGPACK_TYPES:
        return _decode_msgpack(body)
    raise HostError(_BAD_TYPE, _BAD_TYPE.detail.format(", ".join((JSON_TYPE, *MSGPACK_TYPES))))


def _decode_json(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode("utf-8-sig" if body.startswith(b"\xef\xbb\xbf") else "utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except _Refused as refused:
        raise HostError(_BAD_VALUE, _BAD_VALUE.detail.format(refused)) from None
    except RecursionError:
        raise HostError(_BAD_VALUE, _BAD_VALUE.detail.format("it is nested too deeply")) from None
    except ValueError as error:
        raise HostError(BAD_JSON) from error


def _decode_msgpack(body: bytes) -> Any:
    if not body:
        raise HostError(_NO_DATA)
    import msgpack

    try:
        return msgpack.unpackb(
            body,
            raw=False,
            strict_map_key=True,
            object_pairs_hook=_object,
            list_hook=_list,
            ext_hook=_refuse_ext,
            max_array_len=min(len(body), MAX_ELEMENTS),
            max_map_len=min(len(body), MAX_ELEMENTS),
        )
    except HostError:
        raise
    except Exception as error:  # the library's own classes, ValueError, UnicodeDecodeError, MemoryError, RecursionError
        reason = str(error) or _REASONS.get(type(error).__name__, type(error).__name__)
        raise HostError(_BAD_INPUT, f"Failed to parse msgpack: {reason[:200]}") from None


_REASONS = {"StackError": "it is nested too deeply", "FormatError": "it is no msgpack", "RecursionError": "it is nested too deeply"}


def _object(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[Any] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Refused(f"the key {str(twice)[:100]!r} comes twice")
    for key, value in pairs:
        if type(key) is not str:
            raise _Refused(f"the key {str(key)[:100]} is no text")
        _check(value)
    return found


def _list(values: Any) -> list[Any]:
    for value in values:
        _check(value)
    return list(values)


_PLAIN = (str, bytes, dict, list, int, bool, type(None))


def _check(value: Any) -> None:
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind is not float:
        raise _Refused(f"a value is of msgpack's type {kind.__name__}, which JSON does not have")
    if not math.isfinite(value):
        raise _Refused(f"{value} is no number")


def _refuse_ext(code: int, data: bytes) -> NoReturn:
    raise _Refused(f"a value is of msgpack's ext type {code}, which JSON does not have")


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is no number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Refused(f"{text[:40]} is too large for a number")
    return value


def _int(text: str) -> int:
    value = int(text) if len(text) <= _LONGEST_NUMBER else _MOST + 1
    if not _LEAST <= value <= _MOST:
        raise _Refused(f"{text[:40]} is an integer of more than 64 bits")
    return value
