"""JSON Schema, as pydantic writes it, to the dialect of OpenAPI 3.0: fewer words, some with another meaning."""

from __future__ import annotations

from typing import Any, Mapping

_COMPONENTS = "#/components/schemas/"
_DEFINITIONS = ("#/definitions/", "#/$defs/", _COMPONENTS)

# Keywords that mean the same in both. Others that are not handled below are left out.
_SAME = frozenset(
    "title multipleOf maxLength minLength pattern maxItems minItems uniqueItems maxProperties minProperties "
    "required enum description format default readOnly writeOnly deprecated example discriminator".split()
)
_ANY = {"anyOf", "oneOf", "allOf"}


def to_openapi(schema: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """The schema in OpenAPI's dialect. `names`: what the definitions that it refers to are called there."""
    if not isinstance(schema, dict):  # true and false
        return {} if schema is not False else {"not": {}}
    if isinstance(schema.get("$ref"), str):
        return _reference(schema, names)
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _SAME:
            found[key] = value
        elif key in _ANY:
            _alternatives(found, key, value, names)
        elif key == "not":
            found[key] = to_openapi(value, names)
        elif key == "properties":
            found[key] = {str(name): to_openapi(member, names) for name, member in value.items()}
        elif key == "additionalProperties":
            found[key] = value if isinstance(value, bool) else to_openapi(value, names)
        elif key == "patternProperties":
            found.setdefault("additionalProperties", True)
        elif key in ("items", "prefixItems"):
            _items(found, value, names)
        elif key == "type":
            _type(found, value)
        elif key == "const":
            found["enum"] = [value]
        elif key in ("minimum", "maximum"):
            found.setdefault(key, value)
        elif key in ("exclusiveMinimum", "exclusiveMaximum"):
            _exclusive(found, key, value)
        elif key == "examples" and isinstance(value, list) and value:
            found["example"] = value[0]
    if found.get("type") == "array":
        found.setdefault("items", {})
    if not found.get("required", True):  # an empty list is not allowed
        del found["required"]
    return found


def _reference(schema: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """In OpenAPI 3.0 nothing beside a $ref counts."""
    target = schema["$ref"]
    for prefix in _DEFINITIONS:
        if target.startswith(prefix):
            name = target[len(prefix) :]
            reference = {"$ref": _COMPONENTS + names.get(name, name)}
            rest = to_openapi({key: value for key, value in schema.items() if key != "$ref"}, names)
            rest = {key: value for key, value in rest.items() if key in _SAME}
            return {"allOf": [reference], **rest} if rest else reference
    return {}


def _alternatives(found: dict[str, Any], key: str, value: list[Any], names: Mapping[str, str]) -> None:
    """`null` among them becomes `nullable`."""
    members = [each for each in value if not (isinstance(each, dict) and each.get("type") == "null")]
    schemas = [to_openapi(each, names) for each in members]
    if len(members) < len(value):
        found["nullable"] = True
    if len(schemas) == 1 and "$ref" not in schemas[0] and len(members) < len(value):
        for name, member in schemas[0].items():
            found.setdefault(name, member)
    elif schemas:
        found["allOf" if len(schemas) == 1 else key] = schemas


def _items(found: dict[str, Any], value: Any, names: Mapping[str, str]) -> None:
    if not isinstance(value, list):
        found.setdefault("items", to_openapi(value, names))
        return
    members: list[dict[str, Any]] = []
    for each in value:  # a tuple: each place has a schema of its own
        schema = to_openapi(each, names)
        if schema not in members:
            members.append(schema)
    found["items"] = members[0] if len(members) == 1 else {"anyOf": members} if members else {}


def _type(found: dict[str, Any], value: Any) -> None:
    if not isinstance(value, list):
        if value != "null":
            found["type"] = value
        else:
            found["nullable"] = True
            found["enum"] = [None]
        return
    kinds = [each for each in value if each != "null"]
    if len(kinds) < len(value):
        found["nullable"] = True
    if len(kinds) == 1:
        found["type"] = kinds[0]
    elif kinds:
        found["anyOf"] = [{"type": each, "items": {}} if each == "array" else {"type": each} for each in kinds]


def _exclusive(found: dict[str, Any], key: str, value: Any) -> None:
    """A number of its own in JSON Schema, a flag beside the limit in OpenAPI."""
    if isinstance(value, bool):
        found[key] = value
    else:
        found["minimum" if key == "exclusiveMinimum" else "maximum"] = value
        found[key] = True
