"""What the lambdas beside this file do, for the peers; BENCH_HANDLER says which of it."""

import asyncio
import json
import os

WHICH = os.environ.get("BENCH_HANDLER", "main")


async def handle(body: bytes) -> bytes:
    answer = {"image_count": len(json.loads(body)["images"])}
    if WHICH == "sleep":
        await asyncio.sleep(0.05)
    elif WHICH == "cpu":
        answer["total"] = compute()
    return json.dumps(answer).encode()


def compute() -> int:
    total = 0
    for number in range(8000):
        total += number * number % 7
    return total
