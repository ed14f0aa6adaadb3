"""Forks in the middle of a request, in the ways that go wrong in other hosts."""

import asyncio
import os
import subprocess
import sys

from luna_lambda_tools import StandaloneLambdaRequest, logger


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
    if how == "child stays":
        child = subprocess.Popen(["/bin/sleep", "600"])
        return {"child": child.pid}
    return {"how": how}
