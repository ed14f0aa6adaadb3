import asyncio
from collections import defaultdict

from luna_lambda_tools import LambdaUserHandler
from luna_lambda_tools.public.tasks import BaseLambdaTask

SUBTASKS_DONE = defaultdict(lambda: 0)


class DoneSubtasksHandler(LambdaUserHandler):
    """Subtasks handler"""

    route: str = r"/subtasks_done/<taskId:\d+>"

    async def get(self, taskId):
        """Get subtasks done"""
        if (count := SUBTASKS_DONE.get(int(taskId), None)) is None:
            return self.sendResponse(404, json={"error": f"Task {taskId} not found"})
        return self.sendResponse(200, json={"sub_tasks_done": count})


ROUTES_TO_ADD = [DoneSubtasksHandler]


class LambdaTask(BaseLambdaTask):
    """Lambda task"""

    async def splitTasksContent(self, content: dict) -> list[dict]:
        """Split task content to sub task contents"""
        return [{"content": data} for data in content["data"]]

    async def executeSubtask(self, subtaskContent: dict) -> dict | list:
        """Execute current sub task processing"""
        for _ in range(subtaskContent["content"]["count"]):
            await asyncio.sleep(subtaskContent["content"]["delay"])

        SUBTASKS_DONE[self._data.taskId] += 1
        return {"result": "some task result"}
