"""Values of JSON as YAML in block style.

Written here because importing PyYAML would slow down the start of every worker, and at first use a lambda's own yaml.py
might come instead. What it writes means the same in YAML 1.1 and 1.2.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

# Texts that need no quotes; numbers, dates and the like never begin with a letter.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.(){},;'+*-]*(?: [A-Za-z0-9_/.(){},;'+*-]+)*")
_WORDS = frozenset("true false yes no on off y n null".split())
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_LONGEST_KEY = 500  # YAML wants keys of more than 1024 characters to be marked


def dump(value: Any) -> str:
    """The document."""
    return "\n".join(_block(value, "")) + "\n"


def _block(value: Any, indent: str) -> Iterator[str]:
    """Lines of a mapping or a list."""
    if isinstance(value, dict) and value:
        for key, member in value.items():
            name = _scalar(key)
            if len(name) > _LONGEST_KEY:
                yield f"{indent}? {name}"
                name = ""
            inner = indent if isinstance(member, list) else indent + "  "
            yield from _member(f"{indent}{name}:", member, indent, inner)
    elif isinstance(value, list) and value:
        for member in value:
            if isinstance(member, dict) and member:
                first, *others = _block(member, indent + "  ")
                yield f"{indent}- {first[len(indent) + 2 :]}"
                yield from others
            else:
                yield from _member(f"{indent}-", member, indent, indent + "  ")
    else:
        yield indent + _flow(value)


def _member(start: str, value: Any, indent: str, inner: str) -> Iterator[str]:
    if isinstance(value, (dict, list)) and value:
        yield start
        yield from _block(value, inner)
    elif isinstance(value, str) and _is_literal(value):
        yield f"{start} {'|' if value.endswith(chr(10)) else '|-'}"
        for line in value.removesuffix("\n").split("\n"):
            yield f"{indent}  {line}" if line else ""
    else:
        yield f"{start} {_flow(value)}"


def _flow(value: Any) -> str:
    """On one line: scalars, and what is empty."""
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _UNPRINTABLE.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def _is_literal(text: str) -> bool:
    """Whether several lines can be shown as they are."""
    return (
        "\n" in text.strip("\n")
        and not text.startswith((" ", "\n"))
        and not text.endswith("\n\n")
        and not _UNPRINTABLE.search(text)
        and "\t" not in text
        and "\r" not in text
    )
