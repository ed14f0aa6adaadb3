"""The class that tasks lambdas are written with.

Source: LUNA manual, page "Tasks lambda", and section "Additional routes".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Optional, Union

from luna_lambda_tools.private import monitoring
from luna_lambda_tools.private.log import RequestLogger
from luna_lambda_tools.private.luna.access import LunaAccess, make_clients

if TYPE_CHECKING:  # loaded when the first client is asked for
    from luna_lambda_tools.public.clients import TasksClients

__all__ = ["BaseLambdaTask", "TaskData"]


@dataclass(slots=True)
class TaskData:
    """What is known of a task beside its content.

    Attributes:
        taskId: the task's number.
        accountId: on whose behalf it runs; None when the request did not say.
        requestId: the Luna-Request-Id of the request that started it.
    """

    taskId: int
    accountId: Optional[str] = None
    requestId: str = ""


class BaseLambdaTask(LunaAccess, ABC):
    """A task: derive `LambdaTask` from it and write the two methods::

        class LambdaTask(BaseLambdaTask):
            async def splitTasksContent(self, content: dict) -> list[dict]:
                return [{"url": url} for url in content["urls"]]

            async def executeSubtask(self, subtaskContent: dict) -> dict | list:
                return {"length": len(subtaskContent["url"])}

    The splitting has an instance of its own, and so has each sub-task: what one keeps in `self` the others do not see.
    What all of one worker share is in `userCtx` and at module scope.

    Attributes:
        taskType: always `lambda`.
        userCtx: the instance of the lambda's `UserCtx`; None when it has none.
    """

    taskType: ClassVar[str] = "lambda"

    def __init__(self, data: TaskData, userCtx: Any = None) -> None:
        """Called by the host; a class that overrides it hands the arguments on."""
        self._data = data
        self.userCtx = userCtx

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._data.taskId}>"

    @property
    def accountId(self) -> Optional[str]:
        """The account on whose behalf the task runs: the header Luna-Account-Id; None without it."""
        return self._data.accountId

    @property
    def logger(self) -> RequestLogger:
        """A logger whose lines carry the id of the task's request. Source: LUNA manual, section "Logger"."""
        return RequestLogger(self._data.requestId)

    def sendToMonitoring(self, points: Any) -> None:
        """Sends points, as `request.sendToMonitoring` does."""
        monitoring.send(points)

    @cached_property
    def clients(self) -> TasksClients:
        """The clients of LUNA's services (`luna_lambda_tools.public.clients.TasksClients`), None for disabled ones.

        They carry the id of the task's request and the task's account.
        """
        made: TasksClients = make_clients(self._data.requestId, self._data.accountId, "TasksClients")
        return made

    @property
    def app(self) -> Any:
        """Raises AttributeError: lambdapool runs lambdas without a Sanic application."""
        raise AttributeError("lambdapool runs lambdas without a Sanic application; keep what tasks share in UserCtx")

    @abstractmethod
    async def splitTasksContent(self, content: dict[str, Any]) -> list[dict[str, Any]]:
        """The contents of the sub-tasks, of JSON values."""

    @abstractmethod
    async def executeSubtask(self, subtaskContent: dict[str, Any]) -> Union[dict[str, Any], list[Any]]:
        """The result of one sub-task, of JSON values. Whatever it raises is the error of this sub-task alone."""
