"""Sub-tasks that do as they are told, and say when they begin and are cancelled."""

import asyncio
import os
import time

from luna_lambda_tools import logger
from luna_lambda_tools.public.tasks import BaseLambdaTask


class LambdaTask(BaseLambdaTask):
    async def splitTasksContent(self, content: dict) -> list[dict]:
        await asyncio.sleep(content.get("splitting", 0))
        return content["parts"]

    async def executeSubtask(self, subtaskContent: dict) -> dict | list:
        logger.info("begun %s", subtaskContent.get("name", ""))
        try:
            if gate := subtaskContent.get("gate"):
                while not os.path.exists(gate):
                    await asyncio.sleep(0.01)
            await asyncio.sleep(subtaskContent.get("wait", 0))
        except asyncio.CancelledError:
            logger.info("cancelled %s", subtaskContent.get("name", ""))
            raise
        time.sleep(subtaskContent.get("block", 0))
        if "raise" in subtaskContent:
            raise ValueError(subtaskContent["raise"])
        return subtaskContent.get("result", {})
