"""The function main: there, asynchronous, with one parameter that is the request."""

from __future__ import annotations

import ast
from typing import Iterable

from .functions import FUNCTIONS, Function, accepts, is_decorated, is_generator, positional, required
from .report import Report, shown
from .scope import Found, Scope, resolve, resolve_expression

# Request classes, and the type of lambda that each one makes.
REQUEST_TYPES = {"StandaloneLambdaRequest": "standalone", "HandlersLambdaRequest": "handlers"}
_UNSUPPORTED = {"AgentLambdaRequest": "agent lambdas are not supported; write a standalone lambda"}
_REMEDY = 'write "async def main(request: StandaloneLambdaRequest) -> dict"'
_KNOWN = " or ".join(REQUEST_TYPES)


def check_main(scope: Scope, report: Report) -> None:
    """The rules that can be seen; what a decorator or a call returns is checked when the lambda is loaded."""
    found = resolve(scope, "main")
    if found is None:
        report.add(scope.file, 1, f"there is no function main; {_REMEDY}")
        return
    file, definition = found.scope.file, found.definition
    if isinstance(definition, FUNCTIONS):
        _check_function(found.scope, definition, report)
        _check_annotation(found.scope, definition, report)
    elif isinstance(definition, ast.ClassDef):
        report.add(file, found.line, f"main is a class; it must be an async function: {_REMEDY}")
    elif isinstance(found.value, ast.Lambda):
        report.add(file, found.line, f"main is a lambda expression, which is not asynchronous; {_REMEDY}")
    elif found.value is not None and _is_data(found.value):
        report.add(file, found.line, f"main is {shown(found.value)}; it must be an async function: {_REMEDY}")


def type_of_main(scope: Scope) -> str:
    """The type that main's annotation says; without one a lambda is standalone."""
    found = resolve(scope, "main")
    if found is not None and isinstance(found.definition, FUNCTIONS):
        parameters = positional(found.definition)
        if parameters and parameters[0].annotation is not None:
            name = _request_class(found.scope, parameters[0].annotation)
            return REQUEST_TYPES.get(name, "standalone")
    return "standalone"


def _check_function(scope: Scope, function: Function, report: Report) -> None:
    line = function.lineno
    if is_decorated(scope, function):
        return
    if isinstance(function, ast.FunctionDef):
        report.add(scope.file, line, 'main is not asynchronous; write "async def main"')
    elif is_generator(function):
        report.add(scope.file, line, "main is an async generator because of its yield; it must return its result")
    if not accepts(function, 1):
        names = ", ".join(required(function)) or "no parameters"
        by_name = ", ".join(each.arg for each, value in _keyword_only(function) if value is None)
        text = f"main takes {names}; it must take one: the request"
        if by_name:
            text += f", by its place: {by_name} is behind a *"
        report.add(scope.file, line, text)


def _keyword_only(function: Function) -> Iterable[tuple[ast.arg, ast.expr | None]]:
    return zip(function.args.kwonlyargs, function.args.kw_defaults)


def _check_annotation(scope: Scope, function: Function, report: Report) -> None:
    parameters = positional(function)
    if not parameters or parameters[0].annotation is None:
        return
    annotation, parameter = parameters[0].annotation, parameters[0].arg
    name = _request_class(scope, annotation)
    if name in REQUEST_TYPES:
        return
    if name in _UNSUPPORTED:
        report.add(scope.file, annotation.lineno, f"main takes {name}, but {_UNSUPPORTED[name]}")
        return
    text = f"main's parameter {parameter} is annotated with {shown(annotation)}; annotate it with {_KNOWN}"
    if shown(annotation).strip("'\"") in REQUEST_TYPES:
        text = f"{shown(annotation)} is not luna_lambda_tools' own; write \"from luna_lambda_tools import {_KNOWN}\""
        text = text.replace(_KNOWN, shown(annotation).strip("'\""))
    report.add(scope.file, annotation.lineno, text)


def _request_class(scope: Scope, annotation: ast.expr) -> str:
    """The name of the class of luna_lambda_tools that the annotation means; "" when it means something else."""
    for _ in range(3):  # strings in strings
        if not (isinstance(annotation, ast.Constant) and isinstance(annotation.value, str)):
            break
        try:
            annotation = ast.parse(annotation.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ""
    found: Found | None = resolve_expression(scope, annotation)
    return found.tools.rpartition(".")[2] if found is not None else ""


def _is_data(value: ast.expr) -> bool:
    literals = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.BinOp, ast.Compare)
    return isinstance(value, literals)
