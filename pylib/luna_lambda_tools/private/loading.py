"""Imports a lambda that validation has found good.

Whatever the host imports must be in sys.modules before ``import_main`` puts the lambda's folder first on sys.path: from
then on a lambda's own ``json.py`` is found before the standard library's.

What reading the source can tell is validation's; here is what only the import shows.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import time
from types import ModuleType
from typing import Any, Awaitable, Callable, NamedTuple

from ..public.tasks import BaseLambdaTask
from . import inspection
from .failures import place_of, summary_of, text_of, traceback_of
from .start_failure import StartFailure
from .validation import classify

MAIN_MODULE = "lambda_main"
MAIN_FILE = "lambda_main.py"
TASK_CLASS = "LambdaTask"
FRESH_SECONDS = 2.0
#: Holds our luna3, which is there for where no other is: see pylib/README.md.
FALLBACK = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fallback")
SERVED_TYPES = ("standalone", "handlers", "tasks")
_FOR_HANDLERS = {"pydantic": "python3-pydantic", "msgpack": "python3-msgpack"}

Main = Callable[[Any], Awaitable[Any]]


class Lambda(NamedTuple):
    """A lambda that was loaded and found good.

    Attributes:
        main: None for a tasks lambda.
        task: the class LambdaTask of a tasks lambda, else None.
    """

    lambda_type: str
    main: Main | None
    user_context: type | None
    module: ModuleType
    task: type[BaseLambdaTask] | None = None


def load(root: str) -> Lambda:
    """Imports lambda_main from the folder. Raises StartFailure."""
    lambda_type = classify(root)
    if lambda_type == "handlers":
        _prepare_handlers()
    module = import_main(root)
    user_context = getattr(module, "UserCtx", None)
    if lambda_type == "tasks":
        return Lambda(lambda_type, None, user_context, module, _task(module, root))
    return Lambda(lambda_type, _main(module, root), user_context, module)


def _prepare_handlers() -> None:
    """Imports what requests of handlers lambdas need, before the lambda's own modules can be found in its place."""
    for name, package in _FOR_HANDLERS.items():
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise StartFailure(
                f"{MAIN_FILE}: a handlers lambda needs the package {name} (Debian: {package}; or pip install {name} "
                f"in the virtual environment): {text_of(error)}"
            ) from None
    importlib.import_module("luna_lambda_tools.public.handlers.schemas")


def import_main(root: str) -> ModuleType:
    """The module lambda_main, after the folder became the first place of sys.path. Raises StartFailure."""
    sys.path.insert(0, root)
    sys.path.append(FALLBACK)
    importlib.invalidate_caches()
    sys.dont_write_bytecode = _changed_just_now(root)
    try:
        return importlib.import_module(MAIN_MODULE)
    except BaseException as error:
        raise StartFailure(_import_text(error, root), traceback_of(error)) from None


def _changed_just_now(root: str) -> bool:
    """Whether a source file may change once more within the second of its last change.

    Python takes compiled code for current by the source's size and the second of its change: a save that follows
    another at once, as while developing, would not be seen.
    """
    newest = 0.0
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != "__pycache__" and not name.startswith(".")]
        for name in files:
            if name.endswith(".py"):
                try:
                    newest = max(newest, os.stat(os.path.join(folder, name)).st_mtime)
                except OSError:
                    pass
    return time.time() - newest < FRESH_SECONDS


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


def _task(module: ModuleType, root: str) -> type[BaseLambdaTask]:
    """The class LambdaTask, whatever decorators and calls have made of it. Raises StartFailure."""
    task = getattr(module, TASK_CLASS, None)
    if not inspect.isclass(task) or not issubclass(task, BaseLambdaTask):
        shown = task.__name__ if inspect.isclass(task) else f"a {type(task).__name__}"
        raise StartFailure(f"{MAIN_FILE}: {TASK_CLASS} is {shown}; it must be a class derived from BaseLambdaTask")
    missing = sorted(task.__abstractmethods__)
    if missing:
        place = inspection.place_of_class(task, root)
        raise StartFailure(f"{place}: {TASK_CLASS} has no method {' and no '.join(missing)}")
    for name in ("splitTasksContent", "executeSubtask"):
        method = getattr(task, name)
        inspection.require_coroutine_function(method, f"{TASK_CLASS}.{name}", root)
        is_bound = isinstance(inspect.getattr_static(task, name), (staticmethod, classmethod))
        if not inspection.accepts(method, 1 if is_bound else 2):
            place = inspection.place_of_definition(method, root)
            raise StartFailure(f"{place}: {TASK_CLASS}.{name} must take self and one parameter: the content")
    if not inspection.accepts(task, 2):
        place = inspection.place_of_definition(task.__init__, root)
        raise StartFailure(
            f"{place}: {TASK_CLASS}.__init__ must take (self, *args, **kwargs) and hand them on to super().__init__"
        )
    return task


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
    if isinstance(error, ImportError) and "no known parent package" in text_of(error):
        return f"{where}: {summary_of(error)}; modules beside {MAIN_FILE} are imported by their names, without a dot"
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        return f"{where}: {summary_of(error)} ended the import; a lambda must not exit while it is imported"
    return f"{where}: {summary_of(error)}"
