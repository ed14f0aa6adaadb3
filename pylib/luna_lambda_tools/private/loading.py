"""Imports a lambda and checks that it is one.

Whatever the host imports must be in sys.modules before ``import_main`` puts the lambda's folder first on sys.path: from
then on a lambda's own ``json.py`` is found before the standard library's.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from typing import Any, Awaitable, Callable, NamedTuple

from ..public.standalone import StandaloneLambdaRequest
from . import inspection
from .failures import place_of, summary_of, text_of, traceback_of
from .start_failure import StartFailure

MAIN_MODULE = "lambda_main"
MAIN_FILE = "lambda_main.py"
_MAIN_LINE = "async def main(request: StandaloneLambdaRequest) -> dict"
_REQUEST_CLASSES: dict[str, type] = {"standalone": StandaloneLambdaRequest}

Main = Callable[[Any], Awaitable[Any]]


class Lambda(NamedTuple):
    """A lambda that was loaded and found good."""

    lambda_type: str
    main: Main
    user_context: type | None


def load(root: str) -> Lambda:
    """Imports lambda_main from the folder. Raises StartFailure."""
    module = import_main(root)
    main = getattr(module, "main", None)
    if main is None:
        raise StartFailure(f'{MAIN_FILE}: no function main; write "{_MAIN_LINE}"')
    inspection.require_coroutine_function(main, "main", root)
    return Lambda(_lambda_type(main, root), main, _user_context(module, root))


def import_main(root: str) -> Any:
    """The module lambda_main, after the folder became the first place of sys.path. Raises StartFailure."""
    _require_file(root)
    sys.path.insert(0, root)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(MAIN_MODULE)
    except BaseException as error:
        raise StartFailure(_import_text(error, root), traceback_of(error)) from None


def _require_file(root: str) -> None:
    if os.path.isfile(os.path.join(root, MAIN_FILE)):
        return
    try:
        names = sorted(os.listdir(root))
    except OSError as error:
        raise StartFailure(f"the folder {root} cannot be read: {error.strerror}") from None
    for name in names:
        if os.path.isfile(os.path.join(root, name, MAIN_FILE)):
            raise StartFailure(f"{MAIN_FILE} is in folder {name}/; it must be in the root")
    raise StartFailure(f"{MAIN_FILE} is missing; it must be in the root of the lambda's folder or archive")


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


def _lambda_type(main: Main, root: str) -> str:
    place = inspection.place_of_definition(main, root)
    try:
        parameters = list(inspect.signature(main).parameters.values())
    except (ValueError, TypeError):
        return "standalone"
    if not inspection.accepts(main, 1):
        needed = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
        raise StartFailure(
            f"{place}: main takes {', '.join(needed) if needed else 'no parameters'}; it must take one: the request"
        )
    annotation = parameters[0].annotation
    if annotation is inspect.Parameter.empty:
        return "standalone"
    for lambda_type, request_class in _REQUEST_CLASSES.items():
        if _denotes(annotation, request_class, main):
            return lambda_type
    shown = annotation if isinstance(annotation, str) else getattr(annotation, "__qualname__", repr(annotation))
    known = " or ".join(each.__name__ for each in _REQUEST_CLASSES.values())
    name = parameters[0].name
    raise StartFailure(f"{place}: main's parameter {name} is annotated with {shown}; annotate it with {known}")


def _denotes(annotation: Any, request_class: type, main: Main) -> bool:
    if isinstance(annotation, str):  # from __future__ import annotations, or quotes
        try:
            value = eval(annotation, dict(getattr(inspect.unwrap(main), "__globals__", {})))
        except Exception:  # imported under TYPE_CHECKING only
            return annotation.strip("'\" ").rpartition(".")[2] == request_class.__name__
        if isinstance(value, str):
            return _denotes(value, request_class, main)
        annotation = value
    return annotation is request_class


def _user_context(module: Any, root: str) -> type | None:
    user_context = getattr(module, "UserCtx", None)
    if user_context is None:
        return None
    if not inspect.isclass(user_context):
        place = inspection.place_of_definition(user_context, root)
        raise StartFailure(f"{place}: UserCtx is a {type(user_context).__name__}; it must be a class")
    if not inspection.accepts(user_context, 0):
        place = inspection.place_of_definition(user_context.__init__, root)
        raise StartFailure(f"{place}: UserCtx.__init__ needs arguments; it is called without any")
    return user_context
