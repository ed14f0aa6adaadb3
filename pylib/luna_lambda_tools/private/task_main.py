"""POST /main of a tasks lambda: one task from its content to the results of all its sub-tasks, in this worker.

A task is split once, then its sub-tasks run beside each other, a bounded number at a time. What one of them raises
ends that one only. A task that is cancelled cancels what it has begun, and waits for it: nothing of a request goes on
after its answer.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, NamedTuple

from ..public.metrics.user_metrics import Counter
from ..public.tasks import BaseLambdaTask, TaskData
from . import forked_child, json_result, log
from .account import account_of
from .context import Context
from .errors import BAD_RESULT, USER_EXCEPTION, BadRequestJson, ErrorKind, HostError
from .failures import answer_to, traceback_of
from .json_result import BadResult
from .model_loading import invalid_json
from .reply import Reply
from .running import JSON_HEADERS

AT_ONCE = 16

_NO_FIELD = ErrorKind(400, "bad_request", 12003, "Bad/incomplete input data", "Field {} not found in json")
_ACTIONS = (
    "started_split",
    "completed_split",
    "error_split",
    "started_subtasks",
    "completed_subtasks",
    "error_subtasks",
)


class Outcome(NamedTuple):
    """What a sub-task came to: its result as JSON text, or its error."""

    result: bytes | None
    error: dict[str, Any] | None = None


class TaskMain:
    """Called with each request; gives the reply."""

    def __init__(self, task_class: type[BaseLambdaTask], context: Context, lambda_id: str) -> None:
        self._task_class = task_class
        self._context = context
        self._counter = Counter("tasks_counter", "Counter of what was done for tasks", ["task_action"])
        self._counter.initialize(lambda_id)
        for action in _ACTIONS:
            self.count(action, 0)

    async def __call__(self, request: Any) -> Reply:
        data, content = _read(request)
        contents = await self._split(data, content)
        outcomes = await _SubTasks(self, data, contents).run()
        return Reply(200, list(JSON_HEADERS), _body_of(data.taskId, outcomes))

    def make(self, data: TaskData) -> BaseLambdaTask:
        """An instance of the lambda's class."""
        return self._task_class(data, self._context.userCtx)

    def count(self, action: str, amount: int = 1) -> None:
        """Counts for LUNA's tasks_counter."""
        self._counter.inc(amount, {"task_action": action})

    async def _split(self, data: TaskData, content: dict[str, Any]) -> list[dict[str, Any]]:
        """The contents of the sub-tasks, copied by way of JSON. Raises what the lambda raises, and BadResult."""
        process = os.getpid()
        self.count("started_split")
        try:
            contents = await self.make(data).splitTasksContent(content)
            if os.getpid() != process:
                forked_child.leave(None)
            split = _checked_contents(contents)
        except BaseException:
            self.count("error_split")
            raise
        self.count("completed_split")
        return split


class _SubTasks:
    """The sub-tasks of one task."""

    def __init__(self, main: TaskMain, data: TaskData, contents: list[dict[str, Any]]) -> None:
        self._main = main
        self._data = data
        self._contents = contents
        self._process = os.getpid()
        self._outcomes: list[Outcome | None] = [None] * len(contents)
        self._running: dict[asyncio.Task[Outcome], int] = {}
        self._cancelled = False

    async def run(self) -> list[Outcome]:
        """What they came to, in their order."""
        loop = asyncio.get_running_loop()
        try:
            for number in range(len(self._contents)):
                while len(self._running) >= AT_ONCE:
                    await self._wait(asyncio.FIRST_COMPLETED)
                name = f"sub-task {number} of task {self._data.taskId}"
                self._running[loop.create_task(self._execute(number), name=name)] = number
            while self._running:
                await self._wait(asyncio.ALL_COMPLETED)
        except BaseException:
            await self._cancel()
            raise
        return [outcome for outcome in self._outcomes if outcome is not None]

    async def _wait(self, until: str) -> None:
        done, _ = await asyncio.wait(self._running, return_when=until)
        for task in done:
            number = self._running.pop(task)
            # The lambda can cancel any task, also before its first step.
            cancelled = task.cancelled()
            self._outcomes[number] = self._failed(number, asyncio.CancelledError()) if cancelled else task.result()

    async def _cancel(self) -> None:
        self._cancelled = True
        while left := [task for task in self._running if not task.done()]:
            for task in left:
                task.cancel()
            try:
                await asyncio.wait(left)
            except asyncio.CancelledError:  # once more: so are they
                pass

    async def _execute(self, number: int) -> Outcome:
        self._main.count("started_subtasks")
        try:
            result = json_result.encode(await self._main.make(self._data).executeSubtask(self._contents[number]))
        except BaseException as error:
            if os.getpid() != self._process:
                forked_child.leave(error)
            if self._cancelled and isinstance(error, asyncio.CancelledError):
                raise
            return self._failed(number, error)
        if os.getpid() != self._process:
            forked_child.leave(None)
        self._main.count("completed_subtasks")
        return Outcome(result)

    def _failed(self, number: int, error: BaseException) -> Outcome:
        """Tells the log, unless the error is one that the lambda means to tell its client."""
        self._main.count("error_subtasks")
        told = error if isinstance(error, HostError) else None
        if told is None:
            kind, _, detail = answer_to(error)
            told = HostError(kind, detail)
        if told.kind == BAD_RESULT.kind:
            log.logger.error("sub-task %d of task %d: %s", number, self._data.taskId, told.detail)
        elif told.kind != USER_EXCEPTION.kind:
            log.logger.error("sub-task %d of task %d failed\n%s", number, self._data.taskId, traceback_of(error))
        return Outcome(None, {"error_code": told.code, "desc": told.desc, "detail": told.detail})


def _read(request: Any) -> tuple[TaskData, dict[str, Any]]:
    """The task and its content. Raises HostError."""
    if not request.body:
        raise BadRequestJson
    body = request.json
    if not isinstance(body, dict):
        raise invalid_json((), f"{_kind_of(body)} is not an object with task_id and content")
    for name in ("task_id", "content"):
        if name not in body:
            raise HostError(_NO_FIELD, _NO_FIELD.detail.format(name))
    task_id, content = body["task_id"], body["content"]
    if isinstance(task_id, bool) or not isinstance(task_id, int):
        raise invalid_json(("task_id",), f"{_kind_of(task_id)} is not an integer")
    if not isinstance(content, dict):
        raise invalid_json(("content",), f"{_kind_of(content)} is not an object")
    return TaskData(task_id, account_of(request, required=False), request.requestId), content


def _checked_contents(contents: Any) -> list[dict[str, Any]]:
    where = "LambdaTask.splitTasksContent"
    if not isinstance(contents, list):
        raise BadResult(f"{where} returned a value of type {type(contents).__name__}; it must return a list of dicts")
    for index, content in enumerate(contents):
        if not isinstance(content, dict):
            kind = type(content).__name__
            raise BadResult(f"{where}: item {index} of the list is of type {kind}; it must be a dict")
    try:
        text = json_result.encode(contents)
    except BadResult as error:
        raise BadResult(f"{where}: {error.detail}") from None
    checked: list[dict[str, Any]] = json.loads(text)
    return checked


def _body_of(task_id: int, outcomes: list[Outcome]) -> bytes:
    results, errors = [], []
    for number, (result, error) in enumerate(outcomes):
        if result is not None:
            results.append(b'{"sub_task_id":%d,"result":%s}' % (number, result))
        else:
            errors.append(_text_of({"sub_task_id": number, **(error or {})}))
    return b'{"task_id":%d,"results":[%s],"errors":[%s]}' % (task_id, b",".join(results), b",".join(errors))


def _text_of(error: dict[str, Any]) -> bytes:
    """An error as JSON; the text of a lambda's exception may hold what UTF-8 cannot."""
    return json.dumps(error, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _kind_of(value: object) -> str:
    """A value of JSON, by the name that JSON has for its kind."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"
