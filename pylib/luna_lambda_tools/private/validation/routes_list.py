"""ROUTES_TO_ADD: one literal list of the names of classes, written once and changed nowhere."""

from __future__ import annotations

import ast

from .report import Report, shown
from .scope import DEFINITIONS, Assigned, Imported, Scope, statements

ROUTES_TO_ADD = "ROUTES_TO_ADD"
_FORM = "write ROUTES_TO_ADD = [FirstHandler, SecondHandler] with nothing but names of classes"
_CHANGES = ("append", "extend", "insert", "remove", "pop", "clear", "reverse", "sort", "__iadd__", "__setitem__")


def listed_handlers(scope: Scope, report: Report) -> list[ast.ClassDef]:
    """The handlers in the list, in its order; what is wrong with the list goes to the report."""
    assignments = _assignments(scope, report)
    _find_changes(scope, report)
    if not assignments:
        return []
    for extra in assignments[1:]:
        text = f"{ROUTES_TO_ADD} is assigned a second time (before: line {assignments[0].lineno}); keep one list"
        report.add(scope.file, extra.lineno, text)
    statement = assignments[0]
    if statement not in scope.tree.body:
        text = f"{ROUTES_TO_ADD} is assigned inside a block; move it to the top level of {scope.file}"
        report.add(scope.file, statement.lineno, text)
    value = statement.value
    if not isinstance(value, ast.List):
        kind = _kind(value) if value is not None else "without a value"
        report.add(scope.file, statement.lineno, f"{ROUTES_TO_ADD} is {kind}; {_FORM}")
        return []
    handlers: list[ast.ClassDef] = []
    for element in value.elts:
        class_ = _class(scope, element, report)
        if class_ is None:
            continue
        if class_ in handlers:
            report.add(scope.file, element.lineno, f"{class_.name} is twice in {ROUTES_TO_ADD}; keep one of them")
        else:
            handlers.append(class_)
    return handlers


def _assignments(scope: Scope, report: Report) -> list[ast.Assign | ast.AnnAssign]:
    found: list[ast.Assign | ast.AnnAssign] = []
    for statement in statements(scope.tree.body):
        if isinstance(statement, DEFINITIONS):
            if statement.name == ROUTES_TO_ADD:
                report.add(scope.file, statement.lineno, f"{ROUTES_TO_ADD} is not a list; {_FORM}")
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            if any((alias.asname or alias.name) == ROUTES_TO_ADD for alias in statement.names):
                text = f"{ROUTES_TO_ADD} is imported; write the list and its handlers in {scope.file}"
                report.add(scope.file, statement.lineno, text)
        elif isinstance(statement, ast.AnnAssign) and _is_it(statement.target):
            found.append(statement)
        elif isinstance(statement, ast.Assign) and any(map(_is_it, statement.targets)):
            found.append(statement)
            if len(statement.targets) > 1:
                text = f"{ROUTES_TO_ADD} shares its assignment with another name; give it a line of its own"
                report.add(scope.file, statement.lineno, text)
    return found


def _find_changes(scope: Scope, report: Report) -> None:
    plain = {id(target) for statement in statements(scope.tree.body) for target in _plain_targets(statement)}
    changes = [node for node in ast.walk(scope.tree) if id(node) not in plain and _is_change(node)]
    local = _local_names(scope.tree) if changes else set()
    for node in changes:
        if id(node) not in local:
            text = f"{ROUTES_TO_ADD} is changed here; put every handler into its one list"
            report.add(scope.file, node.lineno, text)


def _plain_targets(statement: ast.stmt) -> list[ast.expr]:
    """The names that an assignment gives a value as a whole."""
    if isinstance(statement, ast.Assign):
        return [each for each in statement.targets if isinstance(each, ast.Name)]
    return [statement.target] if isinstance(statement, ast.AnnAssign) else []


def _is_change(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return _is_it(node) and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Subscript):
        return _is_it(node.value) and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _is_it(node.func.value) and node.func.attr in _CHANGES
    return False


def _local_names(tree: ast.Module) -> set[int]:
    """The nodes in functions that have a variable of their own of that name, and in class bodies."""
    nodes: set[int] = set()
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        inner = list(ast.walk(function))
        declared = any(isinstance(node, ast.Global) and ROUTES_TO_ADD in node.names for node in inner)
        stored = any(_is_it(node) and isinstance(node.ctx, ast.Store) for node in inner)  # type: ignore[attr-defined]
        if stored and not declared:
            nodes.update(map(id, inner))
    for class_ in ast.walk(tree):
        if isinstance(class_, ast.ClassDef):
            for each in statements(class_.body):
                if not isinstance(each, DEFINITIONS):
                    nodes.update(map(id, ast.walk(each)))
    return nodes


def _is_it(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == ROUTES_TO_ADD


def _class(scope: Scope, element: ast.expr, report: Report) -> ast.ClassDef | None:
    line = element.lineno
    if not isinstance(element, ast.Name):
        report.add(scope.file, line, f"{ROUTES_TO_ADD} holds {shown(element)}, which is {_kind(element)}; {_FORM}")
        return None
    name, binding = element.id, scope.last(element.id)
    if isinstance(binding, ast.ClassDef):
        if binding.lineno > line:
            text = f"{name} is declared below (line {binding.lineno}); move {ROUTES_TO_ADD} under it"
            report.add(scope.file, line, text)
        return binding
    if binding is None and not scope.stars:
        remedy = f'write "class {name}(LambdaUserHandler)" above it'
        text = f"{ROUTES_TO_ADD} names {name}, which is not declared; {remedy}"
    elif binding is None or isinstance(binding, Imported):
        text = f"{name} is imported; a handler must be declared in {scope.file}: move the class here"
    elif isinstance(binding, Assigned):
        text = f"{name} is a variable (line {binding.line}), not a class declared in {scope.file}; {_FORM}"
    else:
        text = f"{name} is not a class declared in {scope.file}; {_FORM}"
    report.add(scope.file, line, text)
    return None


def _kind(value: ast.expr) -> str:
    kinds: dict[type[ast.expr], str] = {
        ast.Call: "the result of a call",
        ast.Name: "another variable",
        ast.Attribute: "a name of another module",
        ast.Tuple: "a tuple",
        ast.Set: "a set",
        ast.Dict: "a dictionary",
        ast.ListComp: "a comprehension",
        ast.BinOp: "a computed value",
        ast.Constant: "a constant",
        ast.Starred: "unpacked from another value",
    }
    return kinds.get(type(value), "an expression")
