"""The classes in ROUTES_TO_ADD: what they derive from, their route, their methods."""

from __future__ import annotations

import ast
import keyword
import warnings
from dataclasses import dataclass

from ..routing_template import RouteError, Template, parse
from .functions import (
    Function,
    inherited,
    is_class_method,
    is_decorated,
    is_generator,
    is_static,
    own_methods,
    positional,
    required,
    tools_base,
)
from .report import Report, shown
from .route_text import LONGEST_ROUTE, TooLong, Unknown, route_text
from .scope import Scope, statements

HANDLER_BASE = "LambdaUserHandler"
METHODS = ("post", "get", "put", "patch", "head", "options", "delete")
_ROUTE_FORM = 'write it as a constant or an f-string in the class: route = "/path/<name>"'


@dataclass
class HandlerRoute:
    """What the rules between handlers and the summary need.

    ``text`` is the route as written, "" when only running tells it; ``template`` is None then, and when it is wrong.
    """

    handler: str
    line: int
    text: str
    template: Template | None
    methods: list[str]


def check_handler(scope: Scope, class_: ast.ClassDef, report: Report) -> HandlerRoute:
    if not tools_base(scope, class_, HANDLER_BASE):
        text = (
            f"{class_.name} is not derived from {HANDLER_BASE}; write "
            f'"from luna_lambda_tools import {HANDLER_BASE}" and "class {class_.name}({HANDLER_BASE})", or derive it '
            f"from a class of {scope.file} that is"
        )
        report.add(scope.file, class_.lineno, text)
    route = _route(scope, class_, report)
    methods = _methods(scope, class_, report)
    for method in methods:
        _check_method(scope, class_, method, route.template, report)
    route.methods = [each.name.upper() for each in methods]
    return route


def _route(scope: Scope, class_: ast.ClassDef, report: Report) -> HandlerRoute:
    found = HandlerRoute(class_.name, class_.lineno, "", None, [])
    value, line = _assigned_route(scope, class_, report)
    if value is None:
        return found
    found.line = line
    is_text = isinstance(value, ast.JoinedStr) or (isinstance(value, ast.Constant) and isinstance(value.value, str))
    if not is_text:
        report.add(scope.file, line, f"{class_.name}.route is {shown(value)}; {_ROUTE_FORM}")
        return found
    try:
        found.text = route_text(scope, class_, value)
    except TooLong:
        report.add(scope.file, line, f"{class_.name}.route is longer than {LONGEST_ROUTE} characters; shorten it")
        return found
    except Unknown:  # an f-string with a value that only running tells; the router checks it then
        return found
    found.template = _template(scope, class_, line, found.text, report)
    return found


def _template(scope: Scope, class_: ast.ClassDef, line: int, text: str, report: Report) -> Template | None:
    try:
        with warnings.catch_warnings():  # those of re.compile have no line that helps
            warnings.simplefilter("ignore")
            template = parse(text)
    except RouteError as error:
        report.add(scope.file, line, f"{class_.name}.route: {error}")
        return None
    if not text.startswith("/"):
        text = f'{class_.name}.route does not begin with a slash; it is served as "{template.text}"'
        report.note(scope.file, line, text)
    for warning in template.warnings:
        report.note(scope.file, line, f"{class_.name}.route: {warning}")
    for name in template.argument_names:
        if keyword.iskeyword(name) or name in ("self", "request"):
            text = f"{class_.name}.route: a parameter of a method cannot be called {name}; rename it"
            report.add(scope.file, line, text)
            return None
    return template


def _assigned_route(scope: Scope, class_: ast.ClassDef, report: Report) -> tuple[ast.expr | None, int]:
    own = assigned_route(class_)
    if own is not None:
        if own.value is None:
            report.add(scope.file, own.lineno, f"{class_.name}.route has no value; {_ROUTE_FORM}")
        return own.value, own.lineno
    for where, parent in inherited(scope, class_):
        statement = assigned_route(parent)
        if statement is not None:
            origin = f"{parent.name} ({where.file}:{statement.lineno})"
            text = f"{class_.name} has its route from {origin}; move it into the class"
            report.add(scope.file, class_.lineno, text)
            return None, class_.lineno
    report.add(scope.file, class_.lineno, f"{class_.name} has no route; {_ROUTE_FORM}")
    return None, class_.lineno


def assigned_route(class_: ast.ClassDef) -> ast.Assign | ast.AnnAssign | None:
    """The last assignment of ``route`` in the class's own body."""
    found: ast.Assign | ast.AnnAssign | None = None
    for statement in statements(class_.body):
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if any(isinstance(each, ast.Name) and each.id == "route" for each in targets):
                found = statement
    return found


def _methods(scope: Scope, class_: ast.ClassDef, report: Report) -> list[Function]:
    """The handler's own http methods, in the order of the class; tells of those that it has from a parent."""
    own = [each for name, each in own_methods(class_).items() if name in METHODS]
    known = {each.name for each in own} | _check_assigned_methods(scope, class_, report)
    for where, parent in inherited(scope, class_):
        for name, method in own_methods(parent).items():
            if name in METHODS and name not in known:
                known.add(name)
                origin = f"{parent.name} ({where.file}:{method.lineno})"
                text = f"{class_.name} has {name} from {origin}; move it into the class"
                report.add(scope.file, class_.lineno, text)
    if not known:
        text = f'{class_.name} answers no method; write at least one of {", ".join(METHODS)}, as "async def get(self)"'
        report.add(scope.file, class_.lineno, text)
    return own


def _check_assigned_methods(scope: Scope, class_: ast.ClassDef, report: Report) -> set[str]:
    found: set[str] = set()
    for statement in statements(class_.body):
        for target in statement.targets if isinstance(statement, ast.Assign) else ():
            if isinstance(target, ast.Name) and target.id in METHODS:
                found.add(target.id)
                text = f'{class_.name}.{target.id} is assigned; write "async def {target.id}" in the class'
                report.add(scope.file, statement.lineno, text)
    return found


def _check_method(
    scope: Scope, class_: ast.ClassDef, method: Function, template: Template | None, report: Report
) -> None:
    name = f"{class_.name}.{method.name}"
    if isinstance(method, ast.FunctionDef):
        report.add(scope.file, method.lineno, f'{name} is not asynchronous; write "async def {method.name}"')
    elif is_generator(method):
        text = f"{name} is an async generator because of its yield; return self.sendResponse(...) or use self.stream"
        report.add(scope.file, method.lineno, text)
    if is_static(method) or is_class_method(method):
        report.add(scope.file, method.lineno, f"{name} must have self; remove the decorator above it")
        return
    parameters = positional(method)
    if not parameters:
        report.add(scope.file, method.lineno, f'{name} has no self; write "async def {method.name}(self)"')
        return
    if template is not None:
        _check_parameters(scope, name, method, template.argument_names, report)


def _check_parameters(scope: Scope, name: str, method: Function, wanted: list[str], report: Report) -> None:
    arguments = method.args
    own = positional(method)[0]
    named = [each.arg for each in (*positional(method), *arguments.kwonlyargs) if each is not own]
    by_position = [each.arg for each in arguments.posonlyargs if each is not own]
    for each in wanted:
        if each in by_position:
            report.add(scope.file, method.lineno, f'{name}: {each} is given by its name; remove the "/" behind it')
        elif each not in named:
            text = f"{name} lacks the parameter {each} of its route; add {each} to it"
            report.add(scope.file, method.lineno, text)
    if is_decorated(scope, method):  # the decorator may give the others
        return
    for each in required(method):
        if each not in wanted and each != own.arg:
            remedy = f"add <{each}> to the route or give it a default"
            text = f"{name} has a parameter {each} that its route has not; {remedy}"
            report.add(scope.file, method.lineno, text)
