"""Forks in the middle of a request, in the ways that go wrong in other hosts."""

import asyncio
import copy
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

from luna_lambda_tools import StandaloneLambdaRequest, logger


def in_another_process(headers, value: dict) -> dict:
    return {"pid": os.getpid(), "all": headers.getall("X-Test"), "value": value}


async def main(request: StandaloneLambdaRequest) -> dict:
    how = request.json["how"]
    if how == "child exits":
        child = os.fork()
        if child == 0:
            os._exit(7)
        _, status = os.waitpid(child, 0)
        return {"status": os.waitstatus_to_exitcode(status)}
    if how == "child returns":
        child = os.fork()
        if child == 0:
            logger.info("from the child")
            return {"who": "child"}
        return {"who": "parent", "child": child}
    if how == "subprocess":
        done = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, check=True)
        return {"output": done.stdout.decode().strip()}
    if how == "asynchronous subprocess":
        process = await asyncio.create_subprocess_exec("/bin/echo", "42", stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        return {"output": output.decode().strip(), "status": process.returncode}
    if how == "process pool":
        parts = copy.deepcopy(request)
        with ProcessPoolExecutor(1) as pool:
            running = asyncio.get_running_loop()
            return await running.run_in_executor(pool, in_another_process, parts.headers, parts.json)
    if how == "child stays":
        child = subprocess.Popen(["/bin/sleep", "600"])
        return {"child": child.pid}
    return {"how": how}
