"""The text of a handler's route, read off its constant or f-string."""

from __future__ import annotations

import ast

from .scope import Assigned, Scope

LONGEST_ROUTE = 4096
_DEEPEST = 50
_MOST_STEPS = 2000


class Unknown(Exception):
    """The text cannot be known before the lambda runs."""


class TooLong(Exception):
    """The text is longer than any route should be."""


def route_text(scope: Scope, class_: ast.ClassDef, value: ast.expr) -> str:
    """Raises Unknown, TooLong."""
    try:
        text = _Reader(scope, class_).value(value, 0)
    except RecursionError:
        raise Unknown from None
    if not isinstance(text, str):
        raise Unknown
    return text


class _Reader:
    def __init__(self, scope: Scope, class_: ast.ClassDef) -> None:
        self._scope = scope
        self._steps = 0
        self._own = [each for each in class_.body if isinstance(each, (ast.Assign, ast.AnnAssign))]

    def value(self, node: ast.expr, depth: int) -> str | int | float:
        self._steps += 1
        if depth > _DEEPEST or self._steps > _MOST_STEPS:
            raise Unknown
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, int, float)):
            return self._short(node.value)
        if isinstance(node, ast.JoinedStr):
            parts: list[str] = []
            for each in node.values:
                parts.append(self._part(each, depth))
                self._short("".join(parts))
            return "".join(parts)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
            if isinstance(left, str) and isinstance(right, str):
                return self._short(left + right)
        if isinstance(node, ast.Name):
            return self._name(node.id, depth)
        raise Unknown

    def _part(self, node: ast.expr, depth: int) -> str:
        if not isinstance(node, ast.FormattedValue):
            return str(self.value(node, depth + 1))
        if node.format_spec is not None:
            raise Unknown
        value = self.value(node.value, depth + 1)
        conversions = {ord("r"): repr, ord("a"): ascii}
        return conversions.get(node.conversion, str)(value)

    def _name(self, name: str, depth: int) -> str | int | float:
        for each in self._own:
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            if each.value is not None and any(isinstance(one, ast.Name) and one.id == name for one in targets):
                return self.value(each.value, depth + 1)
        bindings = self._scope.bindings.get(name, [])
        if len(bindings) == 1 and isinstance(bindings[0], Assigned):
            return self.value(bindings[0].value, depth + 1)
        raise Unknown

    @staticmethod
    def _short(value: str | int | float) -> str | int | float:
        if isinstance(value, str) and len(value) > LONGEST_ROUTE:
            raise TooLong
        if isinstance(value, int) and abs(value) > 10**18:
            raise Unknown
        return value
