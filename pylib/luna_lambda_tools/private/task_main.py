"""The two calls that a tasks lambda gets: split a task, run one of its sub-tasks.

Who runs the task as a whole, keeps its results and answers clients is the supervisor. Its calls come as requests of the
method ``TASK``, which no client can send; so each sub-task has the fate of a request: time limit, cancellation, an
answer of its own, whatever happens to the worker.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Awaitable, Callable

from ..public.metrics.user_metrics import Counter
from ..public.tasks import BaseLambdaTask, TaskData
from . import forked_child, json_result
from .context import Context
from .errors import NOT_FOUND, ErrorKind, HostError
from .json_result import BadResult
from .loading import TASK_CLASS
from .reply import Reply
from .running import JSON_HEADERS, Work

METHOD = "TASK"

_ACTIONS = (
    "started_split",
    "completed_split",
    "error_split",
    "started_subtasks",
    "completed_subtasks",
    "error_subtasks",
)
_BAD_CONTENT = ErrorKind(
    400,
    "bad_request",
    12022,
    "Bad/incomplete input data",
    "Failed to validate input json. Path: 'content' message: '{}'",
)
_NOT_ITS_FAULT = ("disconnect", "shutdown")  # reasons of a cancellation


class TaskCalls:
    """Gives the work of each call."""

    def __init__(self, task_class: type[BaseLambdaTask], context: Context, lambda_id: str) -> None:
        self._task_class = task_class
        self._context = context
        self._counter = Counter("tasks_counter", "Counter of what was done for tasks", ["task_action"])
        self._counter.initialize(lambda_id)
        for action in _ACTIONS:
            self._count(action, 0)

    def work(self, path: bytes, request_id: str, body: bytes) -> Work:
        """What answers the call. Raises HostError for one that the supervisor does not make."""
        order = _read(body)
        data = TaskData(order["task_id"], order["account_id"], request_id)
        content = order["content"]
        if path == b"split":
            return Work(TASK_CLASS, "split", self._call(self._split, data, content, "split"))
        if path == b"execute":
            name = f"sub-task {order['sub_task_id']} of task {data.taskId}"
            return Work(name, "execute", self._call(self._execute, data, content, "subtasks", name))
        raise HostError(NOT_FOUND)

    def _call(
        self,
        what: Callable[[TaskData, Any], Awaitable[bytes]],
        data: TaskData,
        content: dict[str, Any],
        counted: str,
        name: str = "",
    ) -> Callable[[Any], Awaitable[Reply]]:
        async def call(request: Any) -> Reply:
            task = asyncio.current_task()
            if task is not None and name:
                task.set_name(name)
            self._count(f"started_{counted}")
            try:
                result = await what(data, content)
            except BaseException:
                if getattr(task, "noted", None) not in _NOT_ITS_FAULT:
                    self._count(f"error_{counted}")
                raise
            self._count(f"completed_{counted}")
            return Reply(200, list(JSON_HEADERS), result)

        return call

    async def _split(self, data: TaskData, content: dict[str, Any]) -> bytes:
        return _encoded_contents(await _in_parent(self._make(data).splitTasksContent(content)))

    async def _execute(self, data: TaskData, content: dict[str, Any]) -> bytes:
        return json_result.encode(await _in_parent(self._make(data).executeSubtask(content)))

    def _make(self, data: TaskData) -> BaseLambdaTask:
        return self._task_class(data, self._context.userCtx)

    def _count(self, action: str, amount: int = 1) -> None:
        self._counter.inc(amount, {"task_action": action})


def _read(body: bytes) -> dict[str, Any]:
    """The call. The supervisor has checked that it is JSON; Python holds less than JSON does."""
    try:
        order: dict[str, Any] = json.loads(body)
    except RecursionError:
        raise HostError(_BAD_CONTENT, _BAD_CONTENT.detail.format("it is nested too deeply")) from None
    except ValueError as error:  # An integer of too many digits, see sys.set_int_max_str_digits.
        raise HostError(_BAD_CONTENT, _BAD_CONTENT.detail.format(error)) from None
    return order


async def _in_parent(result: Awaitable[Any]) -> Any:
    """What it gives; a forked child that comes back ends here, whatever it brings."""
    process = os.getpid()
    value = await result
    if os.getpid() != process:
        forked_child.leave(None)
    return value


def _encoded_contents(contents: Any) -> bytes:
    where = f"{TASK_CLASS}.splitTasksContent"
    if not isinstance(contents, list):
        raise BadResult(f"{where} returned a value of type {type(contents).__name__}; it must return a list of dicts")
    for index, content in enumerate(contents):
        if not isinstance(content, dict):
            kind = type(content).__name__
            raise BadResult(f"{where}: item {index} of the list is of type {kind}; it must be a dict")
    try:
        return json_result.encode(contents)
    except BadResult as error:
        raise BadResult(f"{where}: {error.detail}") from None
