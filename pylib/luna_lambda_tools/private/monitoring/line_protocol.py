r"""InfluxDB's line protocol: ``measurement,tag=value field=1i,other="text" 1700000000000000000``.

What the protocol cannot carry is changed in one way each: line breaks and tabs become the two characters ``\n``, ``\r``,
``\t``; backslashes at the end of names and tags, which would escape what follows, are left out; what is no UTF-8 is
``?``. Tags and fields without a value are left out. Source: InfluxDB, "Line protocol reference".
"""

from __future__ import annotations

import math
import numbers
from typing import Any, Mapping

LONGEST_LINE = 64 * 1024
_LEAST, _MOST = -(2**63), 2**63 - 1

_BREAKS = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
_IN_MEASUREMENT = str.maketrans({**_BREAKS, ",": "\\,", " ": "\\ "})
_IN_KEY = str.maketrans({**_BREAKS, ",": "\\,", " ": "\\ ", "=": "\\="})
_IN_TEXT = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\\\n", "\r": "\\\\r"})


class PointError(Exception):
    """The point cannot be written; the text says why."""


def line_of(measurement: str, tags: Mapping[str, Any], fields: Mapping[str, Any], time_ns: int) -> bytes:
    """One line, without its end. Raises PointError."""
    head = _name(measurement, _IN_MEASUREMENT, "series")
    if head.startswith("#"):
        raise PointError(f"the series {measurement!r} begins with #, which makes its line a comment")
    written_tags = []
    for key, value in tags.items():
        text = _tag_value(key, value)
        if text:
            written_tags.append(f",{_name(key, _IN_KEY, 'a tag')}={text}")
    written_fields = []
    for key, value in fields.items():
        text = _field_value(key, value)
        if text:
            written_fields.append(f"{_name(key, _IN_KEY, 'a field')}={text}")
    if not written_fields:
        raise PointError(f"the point of the series {measurement!r} has no field with a value; give one at least")
    written_tags.sort()  # as InfluxDB keeps them
    line = f"{head}{''.join(written_tags)} {','.join(written_fields)} {time_ns}".encode("utf-8", "replace")
    if len(line) > LONGEST_LINE:
        raise PointError(f"it is {len(line)} bytes long; a point may have {LONGEST_LINE}")
    return line


def _name(name: Any, table: dict[int, str], what: str) -> str:
    if not isinstance(name, str):
        raise PointError(f"the name of {what} is of type {type(name).__name__}; it must be a str")
    text = name.translate(table).rstrip("\\")
    if not text:
        raise PointError(f"the name of {what} is empty")
    return text


def _tag_value(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value).translate(_IN_KEY).rstrip("\\")
    if isinstance(value, (bytes, bytearray, dict, list, tuple, set)):
        raise PointError(f"the tag {key!r} is of type {type(value).__name__}; it must be text or a number")
    return str(value).translate(_IN_KEY).rstrip("\\")


def _field_value(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f'"{value.translate(_IN_TEXT)}"'
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):  # numpy's
        return "true" if value else "false"
    if isinstance(value, numbers.Integral):
        number = int(value)
        if not _LEAST <= number <= _MOST:
            raise PointError(f"the field {key!r} is an integer of more than 64 bits; write it as float or text")
        return f"{number}i"
    # By its name: the module costs every worker memory, and hardly any needs it.
    if isinstance(value, numbers.Real) or type(value).__name__ == "Decimal":
        amount = float(value)
        return repr(amount) if math.isfinite(amount) else ""
    raise PointError(f"the field {key!r} is of type {type(value).__name__}; it must be text, a number or a boolean")
