"""Collects what is wrong with a lambda, as lines for people."""

from __future__ import annotations

import ast

_LONGEST_CODE = 60

_Lines = dict[tuple[bool, str, int, str], None]


class Report:
    """Errors and notes in the order of their places: the first file's, then the others' by name; each told once."""

    def __init__(self, first: str) -> None:
        self._first = first
        self._errors: _Lines = {}
        self._notes: _Lines = {}

    def add(self, file: str, line: int, text: str) -> None:
        """An error: the lambda is not served with it."""
        self._put(self._errors, file, line, text)

    def note(self, file: str, line: int, text: str) -> None:
        """Something that works, but hardly as it is meant."""
        self._put(self._notes, file, line, text)

    def lines(self) -> list[str]:
        """The errors, ``file:line: text`` each."""
        return [f"{file}:{line}: {text}" for _, file, line, text in sorted(self._errors)]

    def note_lines(self) -> list[str]:
        return [f"{file}:{line}: {text}" for _, file, line, text in sorted(self._notes)]

    def _put(self, lines: _Lines, file: str, line: int, text: str) -> None:
        lines[(file != self._first, printable(file), max(line, 1), printable(" ".join(text.split())))] = None


def printable(text: str) -> str:
    """The text with what a terminal would act on, or could not show, escaped."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode() for each in text
    )


def shown(node: ast.AST) -> str:
    """The code of an expression, on one line and not long."""
    try:
        text = " ".join(ast.unparse(node).split())
    except (RecursionError, ValueError):  # nested deeply, or an int of thousands of digits
        return "an expression"
    return text if len(text) <= _LONGEST_CODE else f"{text[:_LONGEST_CODE]}..."
