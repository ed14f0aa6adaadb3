"""What the source of a handler's method tells of its requests and answers, as far as it is written out literally.

The source is only read. What is computed, or done by other functions that the method calls, is not seen; documents made
from this therefore always leave room for more.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass, field
from typing import Any, Callable

# Where the model stands among a call's arguments.
_BODY_MODELS = {
    "loadDataFromJson": (1, "model"),
    "validateJson": (1, "validator"),
    "getRequestData": (0, "pydanticModel"),
}
# Where status, JSON, body, headers stand.
_ANSWERS = {"sendResponse": (0, 1, 2, 3), "success": (0, 1, 2, 7)}
_JSON_NAMES = {"sendResponse": "json", "success": "outputJson"}
_QUERY_TYPES = {"int": "integer", "float": "number"}
_NO_BODY = (204, 304)
ERROR = "error"  # in place of a media type: LUNA's error


@dataclass(slots=True)
class SourceFacts:
    """What was found.

    Attributes:
        answers: media types by status; none when there is no body, `*/*` when the type is not written out.
        query: (whether it is required, its type in JSON Schema), by the name of a query parameter.
        body: the model that the body is read into.
        query_model: the model that the query is read into.
        account: whether the header Luna-Account-Id is read, and whether it is required; None when it is not read.
    """

    answers: dict[int, set[str]] = field(default_factory=dict)
    query: dict[str, tuple[bool, str]] = field(default_factory=dict)
    body: type | None = None
    query_model: type | None = None
    account: bool | None = None


def facts_of(function: Callable[..., Any]) -> SourceFacts:
    """Never raises; without source there are no facts."""
    facts = SourceFacts()
    try:
        function = inspect.unwrap(function)
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except Exception:
        return facts
    names = getattr(function, "__globals__", {})
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            _note(facts, node.func.attr, node, names)
    return facts


def _note(facts: SourceFacts, called: str, call: ast.Call, names: dict[str, Any]) -> None:
    if called in _ANSWERS:
        _note_answer(facts, _literal(_argument(call, 0, "statusCode"), 200), lambda: _media_types(call, called))
    elif called == "error":
        _note_answer(facts, _literal(_argument(call, 0, "statusCode"), None), lambda: {ERROR})
    elif called == "stream":
        media = _literal(_argument(call, 2, "contentType"), None)
        _note_answer(facts, _literal(_argument(call, 1, "statusCode"), 200), lambda: {_media(media) or "*/*"})
    elif called == "getQueryParam":
        name = _literal(_argument(call, 0, "name"), None)
        if isinstance(name, str) and name:
            validator = _argument(call, 1, "validator")
            kind = _QUERY_TYPES.get(validator.id, "string") if isinstance(validator, ast.Name) else "string"
            facts.query[name] = (_literal(_argument(call, 2, "require"), False) is True, kind)
    elif called == "getPagination":
        facts.query["page"] = facts.query["page_size"] = (False, "integer")
    elif called == "getAccountIdFromHeader":
        facts.account = bool(facts.account) or _literal(_argument(call, 0, "required"), True) is True
    elif called in _BODY_MODELS:
        facts.body = _class_of(_argument(call, *_BODY_MODELS[called]), names) or facts.body
    elif called == "loadDataFromQuery":
        facts.query_model = _class_of(_argument(call, 0, "model"), names)


def _note_answer(facts: SourceFacts, status: Any, media_types: Callable[[], set[str]]) -> None:
    if isinstance(status, int) and not isinstance(status, bool) and 200 <= status <= 599:
        found = facts.answers.setdefault(status, set())
        if status not in _NO_BODY:
            found.update(media_types())


def _media_types(call: ast.Call, called: str) -> set[str]:
    _, json_place, body_place, headers_place = _ANSWERS[called]
    json = _argument(call, json_place, _JSON_NAMES[called]) or _argument(call, 99, "json")
    if json is not None and not _is_none(json):
        return {"application/json"}
    body = _argument(call, body_place, "body")
    if body is None or _is_none(body):
        return set()
    media = _media(_literal(_argument(call, 99, "contentType"), None))
    headers = _argument(call, headers_place, "headers")
    if isinstance(headers, ast.Dict):
        for key, value in zip(headers.keys, headers.values):
            name = _literal(key, None)
            if isinstance(name, str) and name.lower() == "content-type":
                media = _media(_literal(value, None)) or media
    return {media or "*/*"}


def _media(text: Any) -> str | None:
    return text if isinstance(text, str) and "/" in text else None


def _class_of(node: ast.expr | None, names: dict[str, Any]) -> type | None:
    found = names.get(node.id) if isinstance(node, ast.Name) else None
    return found if isinstance(found, type) else None


def _argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    if place < len(call.args) and not any(isinstance(each, ast.Starred) for each in call.args):
        return call.args[place]
    return next((each.value for each in call.keywords if each.arg == name), None)


def _literal(node: ast.expr | None, default: Any) -> Any:
    """The constant; the default when there is no argument, None when it is no constant."""
    if node is None:
        return default
    return node.value if isinstance(node, ast.Constant) else None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
