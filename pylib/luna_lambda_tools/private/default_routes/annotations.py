"""Annotations of a lambda's functions as OpenAPI 3.0 schemas, as far as they say something.

Models of pydantic, 1 and 2, tell their schema themselves; pydantic is not imported for that. Nothing here raises: an
annotation that cannot be understood is no annotation.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import inspect
import re
import types
import typing
import uuid
from typing import Any, Callable, Mapping

from .json_schema import to_openapi

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bytes: {"type": "string", "format": "binary"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.date: {"type": "string", "format": "date"},
    uuid.UUID: {"type": "string", "format": "uuid"},
    Any: {},
    object: {},
}
_DEEPEST = 16


def _is_decimal(kind: Any) -> bool:
    """Whether it is decimal.Decimal, which is not imported for that."""
    return getattr(kind, "__module__", "") == "decimal" and getattr(kind, "__qualname__", "") == "Decimal"


class Annotations:
    """Makes schemas, and collects those that are referred to by name."""

    def __init__(self, schemas: Mapping[str, dict[str, Any]]) -> None:
        """schemas: those that are there already."""
        self.schemas: dict[str, dict[str, Any]] = dict(schemas)
        self._names: dict[int, str] = {}

    def of_result(self, function: Callable[..., Any]) -> dict[str, Any] | None:
        """The schema of what a function returns; None when its annotation does not say."""
        try:
            function = inspect.unwrap(function)
            annotation = getattr(function, "__annotations__", {}).get("return", inspect.Signature.empty)
            if isinstance(annotation, str):
                annotation = eval(annotation, dict(getattr(function, "__globals__", {})))
            if annotation is inspect.Signature.empty or annotation is None:
                return None
            return self._schema(annotation, 0)
        except Exception:
            return None

    def of_type(self, kind: Any) -> dict[str, Any] | None:
        """The schema of a class; None when it has none."""
        try:
            return self._schema(kind, 0)
        except Exception:
            return None

    def _schema(self, kind: Any, depth: int) -> dict[str, Any] | None:
        if depth > _DEEPEST:
            return {}
        if isinstance(kind, typing.Hashable) and kind in _PLAIN:
            return dict(_PLAIN[kind])
        if _is_decimal(kind):
            return {"type": "number"}
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Annotated:
            return self._schema(arguments[0], depth)
        if origin in (typing.Union, types.UnionType):
            return self._union(arguments, depth)
        if origin is typing.Literal:
            return _enumeration(list(arguments))
        container = origin or kind
        if not isinstance(container, type):
            return None
        if issubclass(container, dict) and not hasattr(container, "__total__"):
            values = self._schema(arguments[1], depth + 1) if len(arguments) == 2 else None
            return {"type": "object", "additionalProperties": values} if values else {"type": "object"}
        if issubclass(container, (list, tuple, set, frozenset)) and not hasattr(container, "_fields"):
            return {"type": "array", "items": (self._schema(arguments[0], depth + 1) if arguments else None) or {}}
        if issubclass(container, enum.Enum):
            return _enumeration([member.value for member in container])
        return self._named(container, depth)

    def _union(self, arguments: tuple[Any, ...], depth: int) -> dict[str, Any] | None:
        members = [self._schema(each, depth + 1) for each in arguments if each is not type(None)]
        found = [each for each in members if each is not None]
        if not found:
            return None
        nullable = {"nullable": True} if type(None) in arguments else {}
        if len(found) == 1:
            return ({"allOf": found} if "$ref" in found[0] and nullable else found[0]) | nullable
        return {"anyOf": found} | nullable

    def _named(self, kind: type, depth: int) -> dict[str, Any] | None:
        """A class with a schema of its own, which goes to the components."""
        own = _own_schema(kind)
        if own is None and not dataclasses.is_dataclass(kind) and not hasattr(kind, "__total__"):
            return None
        known = self._names.get(id(kind))
        if known is None:
            known = self._names[id(kind)] = self._free_name(kind.__name__)
            self.schemas[known] = {}
            self.schemas[known] = self._adopt(own, known) if own is not None else self._fields(kind, depth)
        return {"$ref": f"#/components/schemas/{known}"}

    def _adopt(self, schema: dict[str, Any], name: str) -> dict[str, Any]:
        """A model's own schema; the definitions it refers to become components of theirs."""
        definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
        # A model that refers to itself is one of its own definitions.
        names = {each: name if each == name else self._free_name(each, definitions[each]) for each in definitions}
        for each, new in names.items():
            if new != name:
                self.schemas[new] = to_openapi(definitions[each], names)
        return to_openapi(definitions.get(name, schema) if "$ref" in schema else schema, names)

    def _fields(self, kind: type, depth: int) -> dict[str, Any]:
        hints = typing.get_type_hints(kind)
        if dataclasses.is_dataclass(kind):
            fields = dataclasses.fields(kind)
            names = [each.name for each in fields]
            missing = dataclasses.MISSING
            required = [each.name for each in fields if each.default is missing and each.default_factory is missing]
        else:
            names, required = list(hints), sorted(getattr(kind, "__required_keys__", ()), key=list(hints).index)
        schema: dict[str, Any] = {"type": "object"}
        if names:
            schema["properties"] = {each: self._schema(hints[each], depth + 1) or {} for each in names}
        if required:
            schema["required"] = required
        text = inspect.cleandoc(kind.__doc__ or "")
        if text and not text.startswith(f"{kind.__name__}("):  # what dataclass writes itself
            schema["description"] = text
        return schema

    def _free_name(self, name: str, schema: Any = None) -> str:
        """A name for a component that no other has, or that the very same one has."""
        base = re.sub(r"[^a-zA-Z0-9._-]", "_", name) or "Model"
        candidate, number = base, 2
        while candidate in self.schemas and (schema is None or self.schemas[candidate] != schema):
            candidate, number = f"{base}{number}", number + 1
        return candidate


def _own_schema(kind: type) -> dict[str, Any] | None:
    for method in ("model_json_schema", "schema"):  # pydantic 2, pydantic 1
        if hasattr(kind, "__fields__") or hasattr(kind, "model_fields"):
            make = getattr(kind, method, None)
            if callable(make):
                found = make()
                return found if isinstance(found, dict) else None
    return None


def _enumeration(values: list[Any]) -> dict[str, Any]:
    kinds: dict[str, type | tuple[type, ...]] = {"string": str, "boolean": bool, "integer": int, "number": (int, float)}
    for name, kind in kinds.items():
        if all(isinstance(each, kind) and (kind is bool or not isinstance(each, bool)) for each in values):
            return {"type": name, "enum": values}
    return {"enum": [each for each in values if each is None or isinstance(each, (str, int, float))]} if values else {}
