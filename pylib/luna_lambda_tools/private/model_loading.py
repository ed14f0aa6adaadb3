"""Loads data into models of pydantic, version 1 or 2, without importing either.

The lambda's own pydantic is the one that counts; all that is used of it are the methods of the model.
"""

from __future__ import annotations

import typing
from typing import Any, Mapping, Sequence

from .errors import BAD_QUERY, ErrorKind, HostError

INVALID_JSON = ErrorKind(
    400,
    "bad_request",
    12022,
    "Bad/incomplete input data",
    "Failed to validate input json. Path: '{}' message: '{}'",
)
_LISTS = (list, tuple, set, frozenset, Sequence, typing.get_origin(Sequence[int]))


def load_json(data: Any, model: Any) -> Any:
    """An instance of the model. Raises HostError 12022 that names the first place at fault."""
    try:
        return _load(data, model)
    except Exception as error:
        fault = _first_fault(error)
        if fault is None:
            raise
        raise invalid_json(*fault) from error


def invalid_json(path: Sequence[Any], message: str) -> HostError:
    """The error for a JSON body of the wrong shape."""
    return HostError(INVALID_JSON, INVALID_JSON.detail.format(".".join(map(str, path)), message))


def load_query(arguments: Mapping[str, list[str]], model: Any) -> Any:
    """An instance of the model from query arguments. Raises HostError 12012 that names the first one at fault."""
    many = _fields_of_many(model)
    data = {name: values if name in many or len(values) > 1 else values[0] for name, values in arguments.items()}
    try:
        return _load(data, model)
    except Exception as error:
        fault = _first_fault(error)
        if fault is None:
            raise
        path, message = fault
        name = str(path[0]) if path else ""
        raise HostError(BAD_QUERY, BAD_QUERY.detail.format(name or message)) from error


def _load(data: Any, model: Any) -> Any:
    for method in ("model_validate", "parse_obj"):
        load = getattr(model, method, None)
        if callable(load):
            return load(data)
    raise TypeError(f"{_name_of(model)} is no model of pydantic: it has neither model_validate nor parse_obj")


def _first_fault(error: Exception) -> tuple[Sequence[Any], str] | None:
    """Place and message of a ValidationError; None when the exception is another one."""
    errors = getattr(error, "errors", None)
    if type(error).__name__ != "ValidationError" or not callable(errors):
        return None
    found = errors()
    first = found[0] if isinstance(found, list) and found else {}
    path = tuple(first.get("loc", ()))
    # Version 1 puts __root__ where there is no field.
    return tuple(step for step in path if step != "__root__"), str(first.get("msg", error))


def _fields_of_many(model: Any) -> set[str]:
    """The names of arguments whose field takes more than one value."""
    names: set[str] = set()
    fields = getattr(model, "model_fields", None) or getattr(model, "__fields__", None) or {}
    for name, field in fields.items():
        annotation = getattr(field, "outer_type_", None) or getattr(field, "annotation", None)
        if _takes_many(annotation):
            names.update(str(each) for each in (name, getattr(field, "alias", None)) if each)
            validation_alias = getattr(field, "validation_alias", None)
            if isinstance(validation_alias, str):
                names.add(validation_alias)
    return names


def _takes_many(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if annotation in _LISTS or origin in _LISTS:
        return True
    if origin is typing.Annotated:
        return _takes_many(typing.get_args(annotation)[0])
    return origin is not dict and any(_takes_many(each) for each in typing.get_args(annotation))


def _name_of(thing: Any) -> str:
    return getattr(thing, "__name__", None) or repr(thing)
