"""Exceptions of lambdas, told to people: where they happened, and tracebacks without the host's own frames."""

from __future__ import annotations

import importlib
import os
import traceback
from types import TracebackType

from ..public.exceptions import UserException, UserTaskLambdaException
from .errors import LAMBDA_EXCEPTION, USER_EXCEPTION, ErrorKind

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_HOST_FILES = (_PACKAGE, str(importlib.__file__), "<frozen importlib")
_LONGEST_DETAIL = 64 * 1024
_LONGEST_TRACEBACK = 256 * 1024
_MOST_CALLS = 2000  # of one traceback: a lambda may have raised Python's own limit of 1000 by much


def text_of(error: BaseException) -> str:
    """``str(error)``, or the class's name when that is empty or fails itself."""
    try:
        text = str(error)
    except BaseException:
        text = ""
    if len(text) > _LONGEST_DETAIL:
        text = f"{text[:_LONGEST_DETAIL]}…"
    return text or type(error).__name__


def summary_of(error: BaseException) -> str:
    """``ValueError: text``, as the last line of a traceback."""
    name, text = type(error).__name__, text_of(error)
    return name if text == name else f"{name}: {text}"


def named(value: object) -> str:
    """``an int``, ``a Response``: what it is."""
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def answer_to(error: BaseException) -> tuple[ErrorKind, int, str]:
    """What the client gets for an exception of the lambda: the kind, the status, the detail."""
    if not isinstance(error, (UserException, UserTaskLambdaException)):
        return LAMBDA_EXCEPTION, LAMBDA_EXCEPTION.status, text_of(error)
    try:
        status = error.statusCode if isinstance(error, UserException) else USER_EXCEPTION.status
        text = error.errorText
        detail = text if isinstance(text, str) and text else str(text or "") or text_of(error)
    except BaseException as defect:  # they can be properties
        return LAMBDA_EXCEPTION, 500, f"{type(error).__name__} cannot be told: {summary_of(defect)}"
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        return (
            LAMBDA_EXCEPTION,
            500,
            f"{type(error).__name__}.statusCode is {_short_repr(status)}; it must be an int from 200 to 599. "
            f"Its text: {detail}",
        )
    return USER_EXCEPTION, int(status), detail[:_LONGEST_DETAIL]


def traceback_of(error: BaseException) -> str:
    """The whole traceback, from the lambda's first line on."""
    _add_hint(error)
    own = _without_host(error)
    try:
        text = "".join(traceback.format_exception(type(error), error, own, limit=-_MOST_CALLS))
        left_out = _depth_of(own) - _MOST_CALLS
        if left_out > 0:
            text += f"the outermost {left_out} calls are left out\n"
    except BaseException as defect:
        return f"{summary_of(error)} (its traceback cannot be formatted: {type(defect).__name__})"
    if len(text) > _LONGEST_TRACEBACK:
        half = _LONGEST_TRACEBACK // 2
        text = f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
    return text.rstrip("\n")


def _add_hint(error: BaseException) -> None:
    """A note where the exception comes of a LUNA service that is disabled."""
    if isinstance(error, AttributeError) and error.obj is None:
        from .luna.hints import hint_at  # that package uses this file

        hint_at(error)


def place_of(error: BaseException, root: str) -> tuple[str, str] | None:
    """``("lambda_main.py:7", "onStart")``: the innermost line of the lambda that the exception passed."""
    found = None
    step = error.__traceback__
    while step is not None:
        name = relative_name(step.tb_frame.f_code.co_filename, root)
        if name is not None:
            found = (f"{name}:{step.tb_lineno}", step.tb_frame.f_code.co_name)
        step = step.tb_next
    return found


def relative_name(filename: str, root: str) -> str | None:
    """A file's name as the lambda's author knows it; None for files outside the lambda."""
    prefix = os.path.join(root, "")
    return filename[len(prefix) :] if filename.startswith(prefix) else None


def _without_host(error: BaseException) -> TracebackType | None:
    first = step = error.__traceback__
    while step is not None and step.tb_frame.f_code.co_filename.startswith(_HOST_FILES):
        step = step.tb_next
    if step is None and not isinstance(error, SyntaxError):
        return first  # the host's own defect
    return step


def _depth_of(step: TracebackType | None) -> int:
    depth = 0
    while step is not None:
        depth, step = depth + 1, step.tb_next
    return depth


def _short_repr(value: object) -> str:
    try:
        return repr(value)[:100]
    except BaseException:
        return f"a {type(value).__name__}"
