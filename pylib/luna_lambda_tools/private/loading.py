"""Imports a lambda that validation has found good.

Whatever the host imports must be in sys.modules before ``import_main`` puts the lambda's folder first on sys.path: from
then on a lambda's own ``json.py`` is found before the standard library's.

What reading the source can tell is validation's; here is what only the import shows.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any, Awaitable, Callable, NamedTuple

from . import inspection
from .failures import place_of, summary_of, text_of, traceback_of
from .start_failure import StartFailure
from .validation import classify

MAIN_MODULE = "lambda_main"
MAIN_FILE = "lambda_main.py"
SERVED_TYPES = ("standalone",)

Main = Callable[[Any], Awaitable[Any]]


class Lambda(NamedTuple):
    """A lambda that was loaded and found good."""

    lambda_type: str
    main: Main
    user_context: type | None
    module: ModuleType


def load(root: str) -> Lambda:
    """Imports lambda_main from the folder. Raises StartFailure."""
    lambda_type = classify(root)
    if lambda_type not in SERVED_TYPES:
        served = " and ".join(SERVED_TYPES)
        raise StartFailure(
            f"{MAIN_FILE}: this is a {lambda_type} lambda; this version of lambdapool serves {served} lambdas"
        )
    module = import_main(root)
    return Lambda(lambda_type, _main(module, root), getattr(module, "UserCtx", None), module)


def import_main(root: str) -> ModuleType:
    """The module lambda_main, after the folder became the first place of sys.path. Raises StartFailure."""
    sys.path.insert(0, root)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(MAIN_MODULE)
    except BaseException as error:
        raise StartFailure(_import_text(error, root), traceback_of(error)) from None


def _main(module: ModuleType, root: str) -> Main:
    """The function main, whatever decorators and calls have made of it. Raises StartFailure."""
    main = getattr(module, "main", None)
    if main is None:
        raise StartFailure(f"{MAIN_FILE}: main is None or was removed while the lambda was imported; keep the function")
    inspection.require_coroutine_function(main, "main", root)
    if not inspection.accepts(main, 1):
        place = inspection.place_of_definition(main, root)
        raise StartFailure(f"{place}: main cannot be called with one argument; it must take the request alone")
    return main  # type: ignore[no-any-return]


def _import_text(error: BaseException, root: str) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        name = os.path.relpath(error.filename, root) if os.path.isabs(error.filename) else error.filename
        if not name.startswith(os.pardir):
            return f"{name}:{error.lineno}: {type(error).__name__}: {error.msg}"
    place = place_of(error, root)
    where = place[0] if place else MAIN_FILE
    if isinstance(error, ModuleNotFoundError):
        missing = error.name or "a module"
        return (
            f"{where}: {text_of(error)}; put {missing.split('.')[0]} into the lambda or install it into the virtual "
            "environment given with --venv"
        )
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        return f"{where}: {summary_of(error)} ended the import; a lambda must not exit while it is imported"
    return f"{where}: {summary_of(error)}"
