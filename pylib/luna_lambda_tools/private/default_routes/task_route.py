"""What documents say of POST /main and /tasks of a tasks lambda; the supervisor answers them."""

from __future__ import annotations

from typing import Any

from .host_routes import error

ACCOUNT_ID = {
    "name": "Luna-Account-Id",
    "in": "header",
    "required": False,
    "description": "On whose behalf the task runs.",
    "schema": {"type": "string", "format": "uuid"},
}
ORDER = {
    "type": "object",
    "required": ["task_id", "content"],
    "properties": {
        "task_id": {"type": "integer", "description": "The task's number."},
        "content": {"type": "object", "description": "What splitTasksContent gets."},
    },
}
STORED_ORDER = {**ORDER, "required": ["content"]}
_TASK_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "As POST /tasks gave it.",
    "schema": {"type": "integer", "minimum": 1},
}
_TIME = {"type": "string", "format": "date-time", "nullable": True}
_SUB_TASK_ID = {"type": "integer", "minimum": 0, "description": "The place of the sub-task in the split task."}


def outcome(result: dict[str, Any]) -> dict[str, Any]:
    """The schema of the answer. result: the schema of what a sub-task returns."""
    done = {
        "type": "object",
        "required": ["sub_task_id", "result"],
        "properties": {"sub_task_id": _SUB_TASK_ID, "result": result},
    }
    failed = {
        "type": "object",
        "required": ["sub_task_id", "error_code", "desc", "detail"],
        "properties": {
            "sub_task_id": _SUB_TASK_ID,
            "error_code": {"type": "integer", "description": "LUNA's number of the error.", "example": 42004},
            "desc": {"type": "string", "description": "What kind of error it is.", "example": "Lambda exception"},
            "detail": {"type": "string", "description": "What happened.", "example": "division by zero"},
        },
    }
    return {
        "type": "object",
        "required": ["task_id", "results", "errors"],
        "properties": {
            "task_id": {"type": "integer", "description": "The task's number."},
            "results": {"type": "array", "description": "Of the sub-tasks that are done, in order.", "items": done},
            "errors": {"type": "array", "description": "Of the sub-tasks that failed, in order.", "items": failed},
        },
    }


def task_paths(result: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Operations by path and method, as host_paths gives them. result: the schema of what a sub-task returns."""
    lists = outcome(result)["properties"]
    next_ = {
        "type": "integer",
        "nullable": True,
        "description": "What to ask for with from= next; null when the answer has all that there is.",
    }
    whole = _stored({"results": lists["results"], "errors": lists["errors"], "next": next_})
    page = {
        "type": "object",
        "required": ["total", "page", "page_size", "tasks"],
        "properties": {
            "total": {"type": "integer", "description": "How many tasks there are."},
            "page": {"type": "integer"},
            "page_size": {"type": "integer"},
            "tasks": {"type": "array", "items": _stored({})},
        },
    }
    added = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 1}}}
    return {
        "/tasks": {
            "post": {
                "summary": "Store a task, which then runs by itself",
                "description": "Answered when the task is on disk; it goes on after a restart of the host.",
                "operationId": "postTask",
                "parameters": [ACCOUNT_ID],
                "requestBody": {"required": True, "content": _json(STORED_ORDER)},
                "responses": {
                    "202": {"description": "The task's id.", "content": _json(added)},
                    "400": error("BadRequest"),
                    "503": error("Busy"),
                },
            },
            "get": {
                "summary": "Tasks, the newest first",
                "operationId": "getTasks",
                "parameters": [_number("page", "Which page.", 1, 1), _number("page_size", "Tasks per page.", 1, 10, 100)],
                "responses": {"200": {"description": "A page.", "content": _json(page)}, "400": error("BadRequest")},
            },
        },
        "/tasks/{id}": {
            "get": {
                "summary": "How far a task is, with what its sub-tasks came to",
                "operationId": "getTask",
                "parameters": [
                    _TASK_ID,
                    _number("from", "The first sub-task to be told of.", 0, 0),
                    _number("count", "How many sub-tasks to tell of at most; 0 for the progress alone.", 0),
                ],
                "responses": {
                    "200": {"description": "The task.", "content": _json(whole)},
                    "400": error("BadRequest"),
                    "404": error("NotFound"),
                },
            },
            "delete": {
                "summary": "Cancel a task, or remove one that is over",
                "operationId": "deleteTask",
                "parameters": [_TASK_ID],
                "responses": {"204": {"description": "Done."}, "404": error("NotFound")},
            },
        },
    }


def _stored(more: dict[str, Any]) -> dict[str, Any]:
    states = ["waiting", "splitting", "running", "finished", "failed", "cancelled"]
    count = {"type": "integer", "minimum": 0}
    failure = {
        "type": "object",
        "nullable": True,
        "description": "Why the task failed as a whole.",
        "properties": {
            "error_code": {"type": "integer"},
            "desc": {"type": "string"},
            "detail": {"type": "string"},
        },
    }
    return {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "minimum": 1},
            "task_id": {"type": "integer", "description": "As the lambda sees it."},
            "account_id": {"type": "string", "format": "uuid", "nullable": True},
            "state": {"type": "string", "enum": states},
            "progress": {
                "type": "object",
                "description": "Numbers of sub-tasks; total is null until the task is split.",
                "properties": {"done": count, "failed": count, "total": {**count, "nullable": True}},
            },
            "error": failure,
            "create_time": {"type": "string", "format": "date-time"},
            "start_time": _TIME,
            "end_time": _TIME,
            **more,
        },
    }


def _number(name: str, description: str, least: int, otherwise: int | None = None, most: int | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer", "minimum": least}
    if most is not None:
        schema["maximum"] = most
    if otherwise is not None:
        schema["default"] = otherwise
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
