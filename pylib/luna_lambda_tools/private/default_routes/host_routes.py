"""What documents say of the routes that every lambda has."""

from __future__ import annotations

from typing import Any

from ..lambda_model import LambdaModel

_REQUEST_ID_PATTERN = "^[0-9]{10},[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$"
_REQUEST_ID_EXAMPLE = "1700000000,11111111-2222-4333-8444-555555555555"
_TEXT = {"schema": {"type": "string"}}
_OBJECT = {"schema": {"type": "object"}}
_BINARY = {"schema": {"type": "string", "format": "binary"}}

_ERRORS = {
    "Error": "The request failed.",
    "BadRequest": "The request is at fault.",
    "NotFound": "There is no such resource.",
    "NotAcceptable": "None of the types in Accept can be had.",
    "BadRange": "The range lies outside the file.",
    "LambdaException": "The lambda raised an exception, or died.",
    "Unwell": "Something that the lambda needs is not well.",
    "Busy": "The lambda has too much to do, or shuts down.",
    "TimedOut": "The lambda did not answer in time.",
}


def _error_answer(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {
            "Luna-Request-Id": {"$ref": "#/components/headers/LunaRequestId"},
            "Lambda-Version": {"$ref": "#/components/headers/LambdaVersion"},
            "Lambda-Error": {"$ref": "#/components/headers/LambdaError"},
        },
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


COMPONENTS: dict[str, dict[str, Any]] = {
    "schemas": {
        "Error": {
            "type": "object",
            "description": "LUNA's error.",
            "required": ["error_code", "desc", "detail", "link"],
            "properties": {
                "error_code": {"type": "integer", "description": "LUNA's number of the error.", "example": 42004},
                "desc": {"type": "string", "description": "What kind of error it is.", "example": "Lambda exception"},
                "detail": {"type": "string", "description": "What happened.", "example": "division by zero"},
                "link": {"type": "string", "format": "uri", "description": "Where the error is explained."},
            },
        },
    },
    "parameters": {
        "LunaRequestId": {
            "name": "Luna-Request-Id",
            "in": "header",
            "required": False,
            "description": "The request's id, which log lines and the answer carry; made when it is missing.",
            "schema": {"type": "string", "pattern": _REQUEST_ID_PATTERN},
            "example": _REQUEST_ID_EXAMPLE,
        },
    },
    "headers": {
        "LunaRequestId": {
            "description": "The request's id.",
            "schema": {"type": "string", "pattern": _REQUEST_ID_PATTERN},
            "example": _REQUEST_ID_EXAMPLE,
        },
        "LambdaVersion": {"description": "The lambda's version.", "schema": {"type": "string"}},
        "LambdaError": {
            "description": "What kind of error it is, for machines.",
            "schema": {"type": "string"},
            "example": "lambda_exception",
        },
    },
    "responses": {name: _error_answer(description) for name, description in _ERRORS.items()},
}


def error(name: str) -> dict[str, str]:
    """The answer of the components that tells of an error."""
    assert name in _ERRORS
    return {"$ref": f"#/components/responses/{name}"}


def host_paths(lambda_: LambdaModel) -> dict[str, dict[str, dict[str, Any]]]:
    """Operations by path and method, without what all operations have."""
    paths = {
        "/healthcheck": {"get": _health("getHealthcheck", True), "head": _health("headHealthcheck", False)},
        "/docs/spec": {"get": _docs()},
        "/config": {"get": _config()},
        "/metrics": {"get": _metrics("getMetrics", "Metrics of the host", "Requests, errors, durations, workers.")},
        "/lambda_metrics": {
            "get": _metrics("getLambdaMetrics", "Metrics of the lambda", "Its requests and its own metrics.")
        },
    }
    if lambda_.static_folder is not None:
        paths["/static/{path}"] = {"get": _static("getStatic", True), "head": _static("headStatic", False)}
    return paths


def _health(operation_id: str, has_body: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "The lambda is well."}
    if has_body:
        seconds = {"type": "number", "description": "How long the check took, in seconds."}
        answer["content"] = {
            "application/json": {"schema": {"type": "object", "properties": {"execution_time": seconds}}}
        }
    return {
        "summary": "Is the lambda well?",
        "operationId": operation_id,
        "parameters": [
            {
                "name": "include_luna_services",
                "in": "query",
                "description": "Whether to check the connections to LUNA's services as well.",
                "schema": {"type": "integer", "enum": [0, 1], "default": 0},
            }
        ],
        "responses": {"200": answer, "400": error("BadRequest"), "502": error("Unwell")},
    }


def _docs() -> dict[str, Any]:
    return {
        "summary": "This document",
        "description": "YAML, or a page for people when HTML is preferred.",
        "operationId": "getDocsSpec",
        "responses": {
            "200": {
                "description": "The OpenAPI document.",
                "content": dict.fromkeys(("application/x-yaml", "application/yaml", "text/yaml", "text/html"), _TEXT),
            },
            "415": error("NotAcceptable"),
        },
    }


def _config() -> dict[str, Any]:
    return {
        "summary": "The settings in effect",
        "description": "What looks like a secret is shown as `***`.",
        "operationId": "getConfig",
        "responses": {
            "200": {"description": "The settings.", "content": {"application/json": _OBJECT, "text/plain": _TEXT}},
            "415": error("NotAcceptable"),
        },
    }


def _metrics(operation_id: str, summary: str, description: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "description": description,
        "operationId": operation_id,
        "responses": {"200": {"description": "Prometheus' text format.", "content": {"text/plain": _TEXT}}},
    }


def _static(operation_id: str, has_body: bool) -> dict[str, Any]:
    content = {"content": {"*/*": _BINARY}} if has_body else {}
    responses: dict[str, Any] = {"200": {"description": "The file.", **content}}
    if has_body:
        responses["206"] = {"description": "The part of the file that Range asked for.", **content}
    responses["304"] = {"description": "The client's copy is still good."}
    responses["404"] = error("NotFound")
    if has_body:
        responses["416"] = error("BadRange")
    return {
        "summary": "A file of the lambda's folder static",
        "operationId": operation_id,
        "parameters": [
            {
                "name": "path",
                "in": "path",
                "required": True,
                "description": "May hold slashes.",
                "schema": {"type": "string", "minLength": 1},
            }
        ],
        "responses": responses,
    }
