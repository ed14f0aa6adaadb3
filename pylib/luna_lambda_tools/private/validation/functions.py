"""What can be read off a function's definition."""

from __future__ import annotations

import ast
from typing import Iterator, Union

from .scope import Scope, resolve_expression, statements

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# Decorators that leave the function's parameters and its being async as they are.
_TRANSPARENT = ("monitorLastActivity",)
_MOST_CLASSES = 64  # of one class's bases, theirs included; handlers have a few


def is_decorated(scope: Scope, function: Function) -> bool:
    """Whether something may replace the function, so that its own line tells little."""
    return any(not _is_transparent(scope, each) for each in function.decorator_list)


def is_generator(function: Function) -> bool:
    """Whether there is a ``yield`` of its own in it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)
    return False


def positional(function: Function) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args]


def required(function: Function) -> list[str]:
    """The names of the parameters that a call must give."""
    arguments = function.args
    named = positional(function)
    without_default = named[: len(named) - len(arguments.defaults)]
    keywords = [each for each, value in zip(arguments.kwonlyargs, arguments.kw_defaults) if value is None]
    return [each.arg for each in (*without_default, *keywords)]


def accepts(function: Function, count: int) -> bool:
    """Whether a call with that many positional arguments, and nothing else, works."""
    arguments = function.args
    if any(value is None for value in arguments.kw_defaults):
        return False
    named = positional(function)
    return len(named) - len(arguments.defaults) <= count and (
        count <= len(named) or arguments.vararg is not None
    )


def own_methods(class_: ast.ClassDef) -> dict[str, Function]:
    """The functions of a class's own body by name; of several definitions of a name the last."""
    return {each.name: each for each in statements(class_.body) if isinstance(each, FUNCTIONS)}


def inherited(scope: Scope, class_: ast.ClassDef) -> Iterator[tuple[Scope, ast.ClassDef]]:
    """The class and its bases, as far as the lambda's files hold them, nearest first; each once."""
    waiting: list[tuple[Scope, ast.ClassDef]] = [(scope, class_)]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_CLASSES:
        where, each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield where, each
        for base in bases(each):
            found = resolve_expression(where, base)
            if found is not None and isinstance(found.definition, ast.ClassDef):
                waiting.append((found.scope, found.definition))


def bases(class_: ast.ClassDef) -> list[ast.expr]:
    """The base classes; of ``Base[T]`` that is Base."""
    return [each.value if isinstance(each, ast.Subscript) else each for each in class_.bases]


def tools_base(scope: Scope, class_: ast.ClassDef, name: str) -> bool:
    """Whether a base of the class, or of one of its bases, is this class of luna_lambda_tools."""
    for where, each in inherited(scope, class_):
        for base in bases(each):
            found = resolve_expression(where, base)
            if found is not None and found.tools.rpartition(".")[2] == name:
                return True
    return False


def find_method(scope: Scope, class_: ast.ClassDef, name: str) -> tuple[Scope, Function] | None:
    """The method that an instance has, own or inherited, as far as the lambda's files say."""
    for where, each in inherited(scope, class_):
        method = own_methods(each).get(name)
        if method is not None:
            return where, method
    return None


def is_static(function: Function) -> bool:
    return _has_decorator(function, "staticmethod")


def is_class_method(function: Function) -> bool:
    return _has_decorator(function, "classmethod")


def _has_decorator(function: Function, name: str) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name for each in function.decorator_list)


def _is_transparent(scope: Scope, decorator: ast.expr) -> bool:
    found = resolve_expression(scope, decorator)
    return found is not None and found.tools.rpartition(".")[2] in _TRANSPARENT
