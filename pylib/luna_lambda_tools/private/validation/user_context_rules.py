"""The class UserCtx: made without arguments, its two hooks asynchronous."""

from __future__ import annotations

import ast

from .functions import accepts, find_method, is_decorated, is_generator, is_static, own_methods, required
from .report import Report, shown
from .scope import Scope, resolve

USER_CONTEXT = "UserCtx"
HOOKS = ("onStart", "onShutdown")


def check_user_context(scope: Scope, report: Report) -> None:
    found = resolve(scope, USER_CONTEXT)
    if found is None:
        return
    definition = found.definition
    if isinstance(definition, ast.ClassDef):
        _check_constructor(found.scope, definition, report)
        for name in HOOKS:
            _check_hook(found.scope, definition, name, report)
        _note_misspelt(found.scope, definition, report)
    elif definition is not None:
        report.add(found.scope.file, definition.lineno, f'{USER_CONTEXT} is a function; write "class {USER_CONTEXT}"')
    elif isinstance(found.value, (ast.Constant, ast.List, ast.Dict, ast.Tuple, ast.Set, ast.Lambda)):
        text = f'{USER_CONTEXT} is {shown(found.value)}; it must be a class: write "class {USER_CONTEXT}"'
        report.add(found.scope.file, found.line, text)


def _note_misspelt(scope: Scope, class_: ast.ClassDef, report: Report) -> None:
    """A hook in other letters is an ordinary method, which nobody calls."""
    meant = {name.lower(): name for name in HOOKS}
    for name, method in own_methods(class_).items():
        hook = meant.get(name.replace("_", "").lower())
        if hook is not None and name != hook:
            text = f"{USER_CONTEXT}.{name} is never called; the hook is called {hook}"
            report.note(scope.file, method.lineno, text)


def _check_constructor(scope: Scope, class_: ast.ClassDef, report: Report) -> None:
    found = find_method(scope, class_, "__init__")
    if found is None or class_.decorator_list or class_.keywords:  # a decorator or a metaclass may write another
        return
    where, method = found
    if is_decorated(where, method) or accepts(method, 1):
        return
    needed = ", ".join(required(method)[1:])
    text = f"{USER_CONTEXT}.__init__ needs {needed or 'a parameter self'}; it is called without arguments"
    report.add(where.file, method.lineno, f"{text}: give them defaults" if needed else text)


def _check_hook(scope: Scope, class_: ast.ClassDef, name: str, report: Report) -> None:
    found = find_method(scope, class_, name)
    if found is None:
        return
    where, method = found
    static = is_static(method)
    if is_decorated(where, method) and not static:
        return
    if isinstance(method, ast.FunctionDef):
        report.add(where.file, method.lineno, f'{USER_CONTEXT}.{name} is not asynchronous; write "async def {name}"')
    elif is_generator(method):
        text = f"{USER_CONTEXT}.{name} is an async generator because of its yield; write it without one"
        report.add(where.file, method.lineno, text)
    if not accepts(method, 0 if static else 1):
        report.add(where.file, method.lineno, f"{USER_CONTEXT}.{name} must take no parameters but self")
