"""The class LambdaTask, which a tasks lambda has instead of main."""

from __future__ import annotations

import ast

from .functions import accepts, find_method, is_decorated, is_generator, tools_base
from .report import Report
from .scope import Scope, resolve

TASK_CLASS = "LambdaTask"
_BASE = "BaseLambdaTask"
_METHODS = {
    "splitTasksContent": "async def splitTasksContent(self, content: dict) -> list[dict]",
    "executeSubtask": "async def executeSubtask(self, subtaskContent: dict) -> dict | list",
}


def task_class(scope: Scope) -> tuple[Scope, ast.ClassDef] | None:
    """The class LambdaTask that makes the lambda a tasks lambda; None when there is no such class."""
    found = resolve(scope, TASK_CLASS)
    if found is None or not isinstance(found.definition, ast.ClassDef):
        return None
    # A class of that name beside a main may be anything of the author's own.
    if tools_base(found.scope, found.definition, _BASE) or "main" not in scope.bindings:
        return found.scope, found.definition
    return None


def misnamed_task_class(scope: Scope) -> ast.ClassDef | None:
    """A class derived from BaseLambdaTask under another name, where neither LambdaTask nor main is there."""
    if "main" in scope.bindings or resolve(scope, TASK_CLASS) is not None:
        return None
    for bindings in scope.bindings.values():
        for each in bindings:
            if isinstance(each, ast.ClassDef) and tools_base(scope, each, _BASE):
                return each
    return None


def check_task(scope: Scope, class_: ast.ClassDef, report: Report) -> None:
    if not tools_base(scope, class_, _BASE):
        text = (
            f"{TASK_CLASS} is not derived from {_BASE}; write "
            f'"from luna_lambda_tools.public.tasks import {_BASE}" and "class {TASK_CLASS}({_BASE})"'
        )
        report.add(scope.file, class_.lineno, text)
    for name, head in _METHODS.items():
        _check_method(scope, class_, name, head, report)


def _check_method(scope: Scope, class_: ast.ClassDef, name: str, head: str, report: Report) -> None:
    found = find_method(scope, class_, name)
    if found is None:
        report.add(scope.file, class_.lineno, f'{TASK_CLASS} has no method {name}; write "{head}"')
        return
    where, method = found
    if is_decorated(where, method):
        return
    if isinstance(method, ast.FunctionDef):
        report.add(where.file, method.lineno, f'{TASK_CLASS}.{name} is not asynchronous; write "async def {name}"')
    elif is_generator(method):
        text = f"{TASK_CLASS}.{name} is an async generator because of its yield; it must return its result"
        report.add(where.file, method.lineno, text)
    if not accepts(method, 2):
        report.add(where.file, method.lineno, f'{TASK_CLASS}.{name} must take self and one parameter; write "{head}"')
