"""A handler that computes in Python: half a millisecond, or ten times as long when BENCH_HANDLER says so."""

import os
import sys
from pathlib import Path

from luna_lambda_tools import StandaloneLambdaRequest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from work import compute  # noqa: E402

PASSES = {"cpu": 1, "cpu2": 4}[os.environ["BENCH_HANDLER"]]


async def main(request: StandaloneLambdaRequest) -> dict:
    return {"image_count": len(request.json["images"]), "total": compute(PASSES)}
