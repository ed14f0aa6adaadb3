"""A task that counts the words of several texts, one sub-task for each."""

import asyncio

from luna_lambda_tools import LambdaUserHandler, UserException
from luna_lambda_tools.public.exceptions import UserTaskLambdaException
from luna_lambda_tools.public.tasks import BaseLambdaTask

WORDS: dict[int, int] = {}  # by task, of this worker


class NoTexts(UserException):
    statusCode = 400
    errorText = 'the content has no texts; send {"texts": ["...", ...]}'


class TextEmpty(UserTaskLambdaException):
    errorText = "the text is empty"


class Words(LambdaUserHandler):
    """How many words a task has counted so far."""

    route: str = "/words/<taskId:int>"

    async def get(self, taskId):
        if taskId not in WORDS:
            return self.sendResponse(404, json={"error": f"there is no task {taskId}"})
        return self.sendResponse(200, json={"words": WORDS[taskId]})


ROUTES_TO_ADD = [Words]


class LambdaTask(BaseLambdaTask):
    """Count the words of the texts."""

    async def splitTasksContent(self, content: dict) -> list[dict]:
        texts = content.get("texts")
        if not texts:
            raise NoTexts
        return [{"text": text} for text in texts]

    async def executeSubtask(self, subtaskContent: dict) -> dict | list:
        words = subtaskContent["text"].split()
        if not words:
            raise TextEmpty
        await asyncio.sleep(0.01)  # sub-tasks wait beside each other
        WORDS[self._data.taskId] = WORDS.get(self._data.taskId, 0) + len(words)
        self.logger.info("task %s: %d words", self._data.taskId, len(words))
        return {"words": len(words)}
