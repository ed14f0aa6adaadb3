"""Names and values of a query string or an urlencoded form, parsed from bytes, bounded, in linear time."""

from __future__ import annotations

from typing import Any, Iterable
from urllib.parse import unquote_to_bytes

MAX_FIELDS = 10_000
_PIECE = 1 << 16


class RequestParameters(dict[str, Any]):
    """Values by name, as in Sanic: a dict of lists whose `get` gives the first value of the list."""

    def get(self, name: str, default: Any = None) -> Any:
        """The first value of `name`, or `default`."""
        values = super().get(name)
        return values[0] if values else default

    def getlist(self, name: str, default: Any = None) -> Any:
        """All values of `name` as a list, or `default`."""
        return super().get(name, default)


def parse_pairs(
    raw: bytes,
    keep_blank_values: bool,
    strict_parsing: bool = False,
    encoding: str = "utf-8",
    errors: str = "replace",
) -> tuple[list[tuple[str, str]], bool]:
    """`a=1&b=2` -> ([(name, value), ...], whether there were more than MAX_FIELDS, which are left out).

    Raises ValueError for a field without "=" when strict_parsing, UnicodeDecodeError when errors="strict",
    LookupError when the encoding is unknown.
    """
    if not raw:
        return [], False
    fields = raw.split(b"&", MAX_FIELDS)
    too_many = len(fields) > MAX_FIELDS
    if too_many:
        fields.pop()
    pairs: list[tuple[str, str]] = []
    for field in fields:
        if not field and not strict_parsing:
            continue
        name, equals, value = field.partition(b"=")
        if not equals and strict_parsing:
            raise ValueError(f"bad query field: {field.decode('utf-8', 'replace')!r}")
        if value or keep_blank_values:
            pairs.append((_text(name, encoding, errors), _text(value, encoding, errors)))
    return pairs, too_many


def _text(raw: bytes, encoding: str, errors: str) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        raw = unquoted(raw)
    return raw.decode(encoding, errors)


def unquoted(raw: bytes) -> bytes:
    """Percent-decoded, piece by piece: the library's function makes an object of every escape of what it is given."""
    if len(raw) <= _PIECE:
        return unquote_to_bytes(raw)
    pieces: list[bytes] = []
    at = 0
    while at < len(raw):
        end = at + _PIECE
        # Not within an escape.
        escape = raw.rfind(b"%", end - 2, end) if end < len(raw) else -1
        end = end if escape < 0 else escape
        pieces.append(unquote_to_bytes(raw[at:end]))
        at = end
    return b"".join(pieces)


def grouped(pairs: Iterable[tuple[str, Any]]) -> RequestParameters:
    """Pairs -> lists by name, in order."""
    parameters = RequestParameters()
    for name, value in pairs:
        parameters.setdefault(name, []).append(value)
    return parameters
