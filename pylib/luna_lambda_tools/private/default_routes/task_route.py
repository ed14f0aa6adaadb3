"""What documents say of POST /main of a tasks lambda."""

from __future__ import annotations

from typing import Any

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
