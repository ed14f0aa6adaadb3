"""Templates of routes as OpenAPI has them: `/a/<b:int>` becomes `/a/{b}` and a parameter with a schema."""

from __future__ import annotations

import re
from typing import Any

from .. import routing_template
from ..lambda_model import RouteModel
from ..routing_template import Parameter

_SCHEMAS: dict[str, dict[str, Any]] = {
    "str": {"type": "string", "minLength": 1},
    "strorempty": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "alpha": {"type": "string", "minLength": 1},
    "slug": {"type": "string", "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$"},
    "path": {"type": "string", "minLength": 1},
    "ymd": {"type": "string", "format": "date"},
    "uuid": {"type": "string", "format": "uuid"},
}
_NOTES = {
    "path": "May hold slashes.",
    "strorempty": "May be empty.",
    "alpha": "Letters only.",
}
# Groups that ECMA-262, which OpenAPI's patterns are written in, does not know.
_FOREIGN = re.compile(r"\(\?(?![:=!]|<[=!])|\\[AZ]|[*+?}]\+")


def openapi_path(route: RouteModel) -> tuple[str, list[dict[str, Any]]]:
    """The template with `{name}` for each parameter, and the parameters as OpenAPI describes them."""
    parts = routing_template.parse(route.template).parts
    path = "/" + "/".join(part if isinstance(part, str) else f"{{{part.name}}}" for part in parts)
    return path, [_described(part) for part in parts if not isinstance(part, str)]


def _described(parameter: Parameter) -> dict[str, Any]:
    label = parameter.label
    described: dict[str, Any] = {"name": parameter.name, "in": "path", "required": True}
    if label in _SCHEMAS:
        if label in _NOTES:
            described["description"] = _NOTES[label]
        return described | {"schema": dict(_SCHEMAS[label])}
    if label == "ext":
        endings = f": {', '.join(parameter.extensions)}" if parameter.extensions else ""
        described["description"] = f"The name of a file with its ending{endings}."
        return described | {"schema": {"type": "string", "pattern": r"^.+\..+$"}}
    if _FOREIGN.search(label):
        return described | {"description": f"Must match the Python pattern `{label}`.", "schema": {"type": "string"}}
    return described | {"schema": {"type": "string", "pattern": f"^(?:{label})$" if "|" in label else f"^{label}$"}}
