"""The OpenAPI 3.0 document of a lambda: `/main`, its additional routes, and the routes that every lambda has."""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any, Callable

from ..lambda_model import LambdaModel, RouteModel
from ..request_data import JSON_TYPE, MSGPACK_TYPES
from . import handlers_route, task_route
from .annotations import Annotations
from .host_routes import COMPONENTS, error, host_paths
from .route_templates import openapi_path
from .source_facts import ERROR, SourceFacts, facts_of

ADDITIONAL = "additional routes"
MAIN = "main"
DEFAULT = "default routes"

_REQUEST_ID = {"$ref": "#/components/parameters/LunaRequestId"}
_ERROR = error("Error")
_ANSWER_HEADERS = {
    "Luna-Request-Id": {"$ref": "#/components/headers/LunaRequestId"},
    "Lambda-Version": {"$ref": "#/components/headers/LambdaVersion"},
}
_BODY_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_METHODS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH")
_ANSWERS = {  # what statuses mean when nothing better is known
    200: "The answer.",
    201: "Created.",
    202: "Accepted.",
    204: "Done; there is nothing to send.",
    301: "Moved.",
    302: "Found elsewhere.",
    304: "Not modified.",
    400: "The request is at fault.",
    401: "Not authorized.",
    403: "Forbidden.",
    404: "Not found.",
    409: "Conflict.",
}


def spec(lambda_: LambdaModel) -> dict[str, Any]:
    """The document, as values of JSON."""
    return _Document(lambda_).build()


class _Document:
    def __init__(self, lambda_: LambdaModel) -> None:
        self._lambda = lambda_
        self._annotations = Annotations(COMPONENTS["schemas"])
        self._paths: dict[str, dict[str, Any]] = {}
        self._shapes: dict[str, tuple[str, list[dict[str, Any]]]] = {}
        self._operation_ids: set[str] = set()

    def build(self) -> dict[str, Any]:
        lambda_ = self._lambda
        if lambda_.task is not None:
            self._paths["/main"] = {"post": self._task_main(lambda_.task)}
        elif lambda_.main is not None:
            self._paths["/main"] = {"post": self._main(lambda_.main)}
        for route in lambda_.routes:
            self._add_route(route)
        host = host_paths(lambda_)
        if lambda_.task is not None:
            host.update(task_route.task_paths(self._annotations.of_result(lambda_.task.executeSubtask) or {}))
        for path, item in host.items():
            self._paths[path] = {method: self._host_operation(operation) for method, operation in item.items()}
        tags = [{"name": MAIN, "description": "What the lambda is for."}] if "/main" in self._paths else []
        if lambda_.routes:
            tags.append({"name": ADDITIONAL, "description": "Routes that this lambda has added."})
        tags.append({"name": DEFAULT, "description": "Routes that every lambda has."})
        components = {**COMPONENTS, "schemas": self._annotations.schemas}
        document = {
            "openapi": "3.0.3",
            "info": self._info(),
            "tags": tags,
            "paths": self._paths,
            "components": components,
        }
        cleaned = _clean(document)
        assert isinstance(cleaned, dict)
        return cleaned

    def _info(self) -> dict[str, Any]:
        lambda_ = self._lambda
        info = {"title": lambda_.name or "lambda", "version": lambda_.version or "0"}
        module = sys.modules.get("lambda_main")
        doc = inspect.cleandoc(module.__doc__) if module is not None and isinstance(module.__doc__, str) else ""
        if doc:
            info["description"] = doc
        return info | {"x-lambda-id": lambda_.id, "x-lambda-type": lambda_.type}

    def _main(self, main: Callable[..., Any]) -> dict[str, Any]:
        facts = facts_of(main)
        is_handlers = self._lambda.type == "handlers"
        body = self._body_schema(facts.body)
        content: dict[str, Any] = {JSON_TYPE: {"schema": body}, "*/*": {"schema": {"type": "string", "format": "binary"}}}
        if is_handlers:
            body = body or handlers_route.BODY
            content = {media: {"schema": body} for media in (JSON_TYPE, *MSGPACK_TYPES)}
        result = self._annotations.of_result(main)
        return {
            "tags": [MAIN],
            **_words(self._lambda.main_doc, "Main route"),
            "operationId": self._operation_id("postMain"),
            "parameters": [handlers_route.HANDLER_ID, _REQUEST_ID] if is_handlers else [_REQUEST_ID],
            "requestBody": {
                "description": "What luna-handlers sends." if is_handlers else "What the lambda expects; JSON, usually.",
                "content": content,
            },
            "responses": _main_answers("What the lambda returned.", result or {}),
        }

    def _task_main(self, task: Any) -> dict[str, Any]:
        result = self._annotations.of_result(task.executeSubtask)
        return {
            "tags": [MAIN],
            **_words(self._lambda.main_doc, "Main route: runs a task"),
            "operationId": self._operation_id("postMain"),
            "parameters": [task_route.ACCOUNT_ID, _REQUEST_ID],
            "requestBody": {
                "required": True,
                "description": "The task.",
                "content": {"application/json": {"schema": task_route.ORDER}},
            },
            "responses": _main_answers("What became of the sub-tasks.", task_route.outcome(result or {})),
        }

    def _add_route(self, route: RouteModel) -> None:
        path, parameters = openapi_path(route)
        methods = [each for each in route.methods if each in _METHODS]
        item = self._item_for(path, parameters, [each.lower() for each in methods])
        for method in methods:
            item[method.lower()] = self._operation(method, route, path, parameters)

    def _item_for(self, path: str, parameters: list[dict[str, Any]], methods: list[str]) -> dict[str, Any]:
        """Where the operations of a route go.

        Routes that differ only in the names or types of their parameters have one path in OpenAPI: a fragment, which no
        request ever has, keeps them apart.
        """
        shape = re.sub(r"\{.*?\}", "{}", path)
        number = 1
        while True:
            fragment = f"#{number}" if number > 1 else ""
            taken = self._shapes.setdefault(shape + fragment, (path + fragment, parameters))
            item = self._paths.setdefault(taken[0], {})
            if taken[1] == parameters and not any(each in item for each in methods):
                return item
            number += 1

    def _operation(
        self, method: str, route: RouteModel, path: str, parameters: list[dict[str, Any]]
    ) -> dict[str, Any]:
        function = route.methods[method]
        doc = inspect.cleandoc(function.__doc__) if isinstance(function.__doc__, str) else ""
        facts = facts_of(function)
        operation: dict[str, Any] = {
            "tags": [ADDITIONAL],
            **_words(doc or route.doc, f"{method} {path}"),
            "operationId": self._operation_id(method.lower() + route.handler.__name__),
            "parameters": [
                *parameters,
                *self._asked_for(facts),
                _REQUEST_ID,
            ],
        }
        if doc and route.doc:
            operation["description"] = "\n\n".join(filter(None, [operation.get("description"), route.doc]))
        if method in _BODY_METHODS:
            content: dict[str, Any] = {"application/json": {"schema": self._body_schema(facts.body)}}
            if facts.body is None:
                content["*/*"] = {"schema": {"type": "string", "format": "binary"}}
            operation["requestBody"] = {"content": content}
        operation["responses"] = self._responses(method, function, facts.answers)
        operation["x-lambda-route"] = route.template
        return operation

    def _asked_for(self, facts: SourceFacts) -> list[dict[str, Any]]:
        """The query parameters and headers that the source reads."""
        found = [
            {"name": name, "in": "query", "required": required, "schema": {"type": kind}}
            for name, (required, kind) in facts.query.items()
        ]
        model = self._annotations.of_type(facts.query_model) if facts.query_model is not None else None
        if model is not None and "$ref" in model:
            schema = self._annotations.schemas[model["$ref"].rpartition("/")[2]]
            required = schema.get("required", [])
            found += [
                {"name": name, "in": "query", "required": name in required, "schema": member}
                for name, member in schema.get("properties", {}).items()
                if name not in facts.query
            ]
        if facts.account is not None:
            found.append(
                {
                    "name": "Luna-Account-Id",
                    "in": "header",
                    "required": facts.account,
                    "schema": {"type": "string", "format": "uuid"},
                }
            )
        return found

    def _responses(
        self, method: str, function: Callable[..., Any], answers: dict[int, set[str]]
    ) -> dict[str, Any]:
        result = self._annotations.of_result(function)
        found: dict[str, Any] = {}
        for status, media_types in sorted(answers.items()):
            content: dict[str, Any] = {}
            for media in sorted(media_types) if method != "HEAD" else ():
                if media == ERROR:
                    content.setdefault("application/json", {"$ref": "#/components/schemas/Error"})
                else:
                    content[media] = result if result and media == "application/json" and status < 300 else {}
            found[str(status)] = _answer(_ANSWERS.get(status, f"Status {status}."), content)
        if not found:
            found["2XX"] = _answer(_ANSWERS[200], {"application/json": result} if result else {})
        return found | {"default": _ERROR}

    def _body_schema(self, model: type | None) -> dict[str, Any]:
        return (self._annotations.of_type(model) if model is not None else None) or {}

    def _host_operation(self, operation: dict[str, Any]) -> dict[str, Any]:
        responses = {
            status: answer if "$ref" in answer else {**answer, "headers": _ANSWER_HEADERS}
            for status, answer in operation["responses"].items()
        }
        return {
            "tags": [DEFAULT],
            **operation,
            "parameters": [*operation.get("parameters", []), _REQUEST_ID],
            "responses": responses | {"default": _ERROR},
        }

    def _operation_id(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self._operation_ids:
            name, number = f"{wanted}{number}", number + 1
        self._operation_ids.add(name)
        return name


def _main_answers(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "200": _answer(description, {"application/json": schema}),
        "400": error("BadRequest"),
        "500": error("LambdaException"),
        "503": error("Busy"),
        "504": error("TimedOut"),
        "default": _ERROR,
    }


def _answer(description: str, content: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": description, "headers": _ANSWER_HEADERS}
    if content:
        answer["content"] = {media: {"schema": schema} for media, schema in content.items()}
    return answer


def _words(doc: str, otherwise: str) -> dict[str, str]:
    """Summary and description from a docstring: its first line, and what follows."""
    first, _, rest = doc.strip().partition("\n")
    return {"summary": first.strip() or otherwise} | ({"description": rest.strip()} if rest.strip() else {})


def _clean(value: Any) -> Any:
    """A copy without shared parts, with text that UTF-8 can hold, and with nothing that JSON cannot hold."""
    if isinstance(value, str):
        return str(value).encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(str(key)): _clean(member) for key, member in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(member) for member in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    return str(value)
