"""The names of a module's top level, and what they stand for, followed through aliases and imports.

Only the lambda's own files are opened. Names of luna_lambda_tools are known by where they are imported from.
"""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass, field
from typing import Iterator, NamedTuple, Union

from .source import SourceError, read_tree

TOOLS = "luna_lambda_tools"
_DEEPEST = 20  # aliases of aliases, imports of imports


class Imported(NamedTuple):
    """A name that an import binds: ``dotted`` is absolute; ``module`` says that it is a module for certain."""

    dotted: str
    module: bool
    line: int


class Assigned(NamedTuple):
    """A name that ``name = value`` binds."""

    value: ast.expr
    line: int


class Opaque(NamedTuple):
    """A name that something binds whose value cannot be read off: a loop, a ``with``, an unpacking."""

    line: int


Definition = Union[ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef]
DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
Binding = Union[Definition, Imported, Assigned, Opaque]


@dataclass
class Scope:
    """The top level of one file."""

    project: Project
    file: str
    package: tuple[str, ...]
    tree: ast.Module
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)  # modules of `from module import *`

    def last(self, name: str) -> Binding | None:
        """What binds the name when the module has run to its end."""
        found = self.bindings.get(name)
        return found[-1] if found else None


class Found(NamedTuple):
    """What a name stands for in the end.

    One of the three is set: ``tools``, the dotted name of something in luna_lambda_tools; ``definition``, a class or
    function of the lambda; ``value``, an expression. None of them: it cannot be known by reading.
    """

    scope: Scope
    line: int
    tools: str = ""
    definition: Definition | None = None
    value: ast.expr | None = None


class Project:
    """The lambda's files, each read at most once."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._scopes: dict[str, Scope | None] = {}

    def read(self, file: str) -> Scope:
        """The scope of a file, given by its name relative to the root. Raises SourceError."""
        tree = read_tree(os.path.join(self.root, file))
        parts = tuple(file.replace(os.sep, "/").split("/")[:-1])
        scope = Scope(self, file, parts, tree)
        collect(scope)
        self._scopes[file] = scope
        return scope

    def module(self, dotted: str) -> Scope | None:
        """The scope of one of the lambda's own modules."""
        path = dotted.replace(".", "/")
        for file in (f"{path}/__init__.py", f"{path}.py"):
            if file in self._scopes:
                return self._scopes[file]
            if os.path.isfile(os.path.join(self.root, file)):
                try:
                    return self.read(file)
                except SourceError:  # told where every file is checked
                    self._scopes[file] = None
                    return None
        return None


def resolve(scope: Scope, name: str, depth: int = 0) -> Found | None:
    """What a top-level name stands for; None when nothing binds it."""
    found = scope.bindings.get(name)
    if found:
        for binding in found:  # `try: from luna_lambda_tools import X` beside an `except ImportError: X = ...`
            if isinstance(binding, Imported) and is_tools(binding.dotted):
                return Found(scope, binding.line, tools=binding.dotted)
        return _follow(scope, found[-1], depth)
    for module in scope.stars:
        if is_tools(module):
            import luna_lambda_tools

            if name in luna_lambda_tools.__all__:
                return Found(scope, 1, tools=f"{module}.{name}")
        elif depth < _DEEPEST and (inner := scope.project.module(module)) is not None:
            through = resolve(inner, name, depth + 1)
            if through is not None:
                return through
    return None


def resolve_expression(scope: Scope, node: ast.expr, depth: int = 0) -> Found | None:
    """The same for ``name`` and ``module.name``; other expressions stand for themselves."""
    if isinstance(node, ast.Name):
        return resolve(scope, node.id, depth)
    if isinstance(node, ast.Attribute):
        dotted = _dotted(scope, node)
        if dotted is not None:
            return _imported(scope, Imported(dotted, False, node.lineno), depth)
        return Found(scope, node.lineno)
    return Found(scope, node.lineno, value=node)


def is_tools(dotted: str) -> bool:
    return dotted == TOOLS or dotted.startswith(f"{TOOLS}.")


def _follow(scope: Scope, binding: Binding, depth: int) -> Found:
    if isinstance(binding, DEFINITIONS):
        return Found(scope, binding.lineno, definition=binding)
    if isinstance(binding, Imported):
        return _imported(scope, binding, depth)
    if isinstance(binding, Assigned) and depth < _DEEPEST:
        return resolve_expression(scope, binding.value, depth + 1) or Found(scope, binding.line)
    return Found(scope, binding.line)


def _imported(scope: Scope, imported: Imported, depth: int) -> Found:
    if is_tools(imported.dotted):
        return Found(scope, imported.line, tools=imported.dotted)
    module, _, name = imported.dotted.rpartition(".")
    if module and not imported.module and depth < _DEEPEST:
        inner = scope.project.module(module)
        if inner is not None:
            return resolve(inner, name, depth + 1) or Found(scope, imported.line)
    return Found(scope, imported.line)


def _dotted(scope: Scope, node: ast.Attribute) -> str | None:
    """``tools.public.X`` with the first name replaced by the module that it stands for."""
    names: list[str] = []
    step: ast.expr = node
    while isinstance(step, ast.Attribute):
        names.append(step.attr)
        step = step.value
    if not isinstance(step, ast.Name):
        return None
    for binding in scope.bindings.get(step.id, ()):
        if isinstance(binding, Imported):
            return ".".join([binding.dotted, *reversed(names)])
    return None


def collect(scope: Scope) -> None:
    """Fills the scope with the bindings of its tree, in order."""
    for statement in statements(scope.tree.body):
        for name, binding in _bindings(scope, statement):
            scope.bindings.setdefault(name, []).append(binding)


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body and of the blocks in it, in order; not those of functions and classes."""
    waiting = list(reversed(body))
    while waiting:
        statement = waiting.pop()
        yield statement
        if isinstance(statement, DEFINITIONS):
            continue
        inner: list[ast.stmt] = []
        for block in ("body", "handlers", "cases", "orelse", "finalbody"):
            for each in getattr(statement, block, ()):
                inner += each.body if isinstance(each, (ast.ExceptHandler, ast.match_case)) else [each]
        waiting += reversed(inner)


def _bindings(scope: Scope, statement: ast.stmt) -> Iterator[tuple[str, Binding]]:
    if isinstance(statement, DEFINITIONS):
        yield statement.name, statement
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            if alias.asname:
                yield alias.asname, Imported(alias.name, True, statement.lineno)
            else:
                first = alias.name.partition(".")[0]
                yield first, Imported(first, True, statement.lineno)
    elif isinstance(statement, ast.ImportFrom):
        module = _absolute(scope, statement)
        for alias in statement.names:
            if alias.name == "*":
                scope.stars.append(module)
            else:
                dotted = f"{module}.{alias.name}" if module else alias.name
                yield alias.asname or alias.name, Imported(dotted, False, statement.lineno)
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, Assigned(statement.value, statement.lineno)
            else:
                yield from _opaque(target)
    elif isinstance(statement, ast.AnnAssign):
        if isinstance(statement.target, ast.Name) and statement.value is not None:
            yield statement.target.id, Assigned(statement.value, statement.lineno)
    elif isinstance(statement, (ast.AugAssign, ast.For, ast.AsyncFor)):
        yield from _opaque(statement.target)
    elif isinstance(statement, (ast.With, ast.AsyncWith)):
        for item in statement.items:
            if item.optional_vars is not None:
                yield from _opaque(item.optional_vars)


def _absolute(scope: Scope, statement: ast.ImportFrom) -> str:
    if not statement.level:
        return statement.module or ""
    base = scope.package[: len(scope.package) - statement.level + 1]
    return ".".join([*base, statement.module] if statement.module else base)


def _opaque(target: ast.expr) -> Iterator[tuple[str, Binding]]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, Opaque(node.lineno)
