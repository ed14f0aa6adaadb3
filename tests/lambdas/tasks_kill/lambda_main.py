"""Sub-tasks that note their runs in a file; those that are told to kill their worker."""

import asyncio
import ctypes
import os
import signal

from luna_lambda_tools.public.tasks import BaseLambdaTask

KILLS = {
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(3),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


class LambdaTask(BaseLambdaTask):
    async def splitTasksContent(self, content: dict) -> list[dict]:
        if "split" in content:
            KILLS[content["split"]]()
        return [
            {**content, "number": number, "dies": content.get("dies", {}).get(str(number), "")}
            for number in range(content["count"])
        ]

    async def executeSubtask(self, subtaskContent: dict) -> dict | list:
        number = subtaskContent["number"]
        await asyncio.sleep(subtaskContent.get("delay", 0))
        if subtaskContent["dies"]:
            KILLS[subtaskContent["dies"]]()
        if notes := subtaskContent.get("notes"):
            with open(notes, "a", encoding="ascii") as file:
                file.write(f"{number}\n")
        return {"number": number, "task": self._data.taskId, "account": self.accountId}
