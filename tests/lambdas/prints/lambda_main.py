"""Writes to its standard streams what its request asks for."""

import os
import sys

from luna_lambda_tools import StandaloneLambdaRequest


async def main(request: StandaloneLambdaRequest) -> dict:
    order = request.json
    stream = sys.stderr if order.get("stream") == "stderr" else sys.stdout
    if "text" in order:
        stream.write(order["text"])
        stream.flush()
    if "hex" in order:
        os.write(stream.fileno(), bytes.fromhex(order["hex"]))
    if "megabytes" in order:
        for _ in range(order["megabytes"]):
            stream.write("y" * (1 << 20))
        stream.write("\n")
        stream.flush()
    if "lines" in order:
        for number in range(order["lines"]):
            print("line", number, file=stream)
        stream.flush()
    if "both" in order:
        for number in range(order["both"]):
            os.write(1, f"out {number}\n".encode())
            os.write(2, f"err {number}\n".encode())
    return {"result": "written"}
