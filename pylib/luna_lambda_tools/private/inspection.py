"""Checks of the functions that a lambda hands over, and where they are written."""

from __future__ import annotations

import functools
import inspect
import linecache
import re
from typing import Any

from .failures import named, relative_name
from .start_failure import StartFailure

_DEF = re.compile(r"\s*(async\s+)?(def|class)\b")


def place_of_definition(thing: Any, root: str) -> str:
    """``lambda_main.py:12``, the line of the def; ``lambda_main.py`` when it is not known."""
    code = getattr(_unwrapped(thing), "__code__", None)
    name = relative_name(code.co_filename, root) if code is not None else None
    if code is None or name is None:
        return "lambda_main.py"
    line: int = code.co_firstlineno
    for candidate in range(line, line + 50):  # the first line of decorated functions is that of a decorator
        if _DEF.match(linecache.getline(code.co_filename, candidate)):
            line = candidate
            break
    return f"{name}:{line}"


def is_coroutine_function(thing: Any) -> bool:
    """Whether calling it gives something to await; looks through functools.partial, wraps and __call__."""
    thing = _unwrapped(thing)
    return inspect.iscoroutinefunction(thing) or (
        not inspect.isfunction(thing) and inspect.iscoroutinefunction(getattr(type(thing), "__call__", None))
    )


def require_coroutine_function(thing: Any, name: str, root: str) -> None:
    """Raises StartFailure that names the line and the remedy."""
    if is_coroutine_function(thing):
        return
    place = place_of_definition(thing, root)
    if not callable(thing):
        raise StartFailure(f"{place}: {name} is {named(thing)}; it must be an async function")
    if inspect.isasyncgenfunction(_unwrapped(thing)):
        raise StartFailure(f"{place}: {name} is an async generator because of its yield; it must return its result")
    method = name.rpartition(".")[2]
    raise StartFailure(f'{place}: {name} is not asynchronous; write "async def {method}"')


def accepts(thing: Any, count: int) -> bool:
    """Whether it can be called with that many positional arguments; true when Python cannot tell."""
    try:
        signature = inspect.signature(thing)
    except (ValueError, TypeError):
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _unwrapped(thing: Any) -> Any:
    while isinstance(thing, functools.partial):
        thing = thing.func
    try:
        thing = inspect.unwrap(thing)
    except ValueError:  # wrappers in a circle
        pass
    return thing


def place_of_class(thing: type, root: str) -> str:
    """``lambda_main.py:12``, the line of the class; ``lambda_main.py`` when it is not known."""
    try:
        lines, line = inspect.getsourcelines(thing)  # parses the whole file: for errors only
        name = relative_name(inspect.getsourcefile(thing) or "", root)
    except (OSError, TypeError):
        return "lambda_main.py"
    for number, text in enumerate(lines):  # decorators come first
        if _DEF.match(text):
            line += number
            break
    return f"{name or 'lambda_main.py'}:{line}"
