"""Reads Python source without running it.

Whatever a file holds, it becomes either a tree or one error with a line: sources that are huge, that are nested more
deeply than Python can read, or that are no text, are errors like any other.
"""

from __future__ import annotations

import ast
import io
import os
import stat
import tokenize
import warnings

MAX_BYTES = 4 * 1024 * 1024


class SourceError(Exception):
    """Why a file is no Python source that can be used."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


def read_tree(path: str) -> ast.Module:
    """The tree of a file that compiles. Raises SourceError."""
    text = _text(_read(path))
    tree = _compiled(text, ast.PyCF_ONLY_AST)
    assert isinstance(tree, ast.Module)
    _compiled(tree, 0)  # finds what the parser lets through, as `return` outside of a function
    return tree


def check(path: str) -> None:
    """Raises SourceError when the file does not compile. Costs less than read_tree."""
    _compiled(_text(_read(path)), 0)


def _read(path: str) -> bytes:
    try:
        # O_NONBLOCK: opening a named pipe must not wait for its writer.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise SourceError(1, f"cannot be read ({error.strerror}); check the file and its permissions") from None
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise SourceError(1, "is not a regular file; put the source itself here")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise SourceError(1, f"is larger than {MAX_BYTES >> 20} MiB; keep data in files of their own, not in source")
    return data


def _text(data: bytes) -> str:
    at = data.find(b"\0")
    if at >= 0:
        raise SourceError(_line_at(data, at), "holds a NUL byte; save the file as UTF-8 text")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        text = f"byte 0x{data[error.start]:02x} is not {error.encoding}; save the file as UTF-8 text"
        raise SourceError(_line_at(data, error.start), text) from None
    except SyntaxError as error:
        if "unknown encoding" in str(error):
            line = 1 if b"coding" in data.split(b"\n", 1)[0] else 2
            raise SourceError(line, f"{error}; save the file as UTF-8 and remove the line") from None
        # It looks for a coding comment in the first two lines, and cannot decode one of them.
        first = data.split(b"\n", 1)[0]
        raise SourceError(2 if _is_utf8(first) else 1, "the line is not UTF-8; save the file as UTF-8 text") from None
    except (LookupError, ValueError, TypeError) as error:  # codecs that do not make text
        raise SourceError(1, f"its encoding cannot be read ({error}); save the file as UTF-8") from None


def _compiled(source: str | ast.Module, flags: int) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return compile(source, "<lambda>", "exec", flags, dont_inherit=True)
            except SystemError:
                # Python 3.11 loses count of its recursion when an exception has cut off a parse before; once.
                return compile(source, "<lambda>", "exec", flags, dont_inherit=True)
    except SyntaxError as error:
        raise SourceError(error.lineno or 1, f"{type(error).__name__}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise SourceError(1, "is nested too deeply, or too large, for Python to read; split it") from None
    except (ValueError, OverflowError) as error:
        raise SourceError(1, f"cannot be compiled: {error}") from None


def _line_at(data: bytes, at: int) -> int:
    before = data[:at].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return before.count(b"\n") + 1


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
