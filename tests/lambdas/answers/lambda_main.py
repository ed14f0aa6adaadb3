"""Returns the value that its request names."""

import math
import uuid

from luna_lambda_tools import StandaloneLambdaRequest

VALUES = {
    "dict": {"a": [1, 2.5, None, True, "\u00fc\U0001f600"]},
    "empty": {},
    "list": [1, 2],
    "set": {"images": {1, 2}},
    "object": {"deep": [{"er": object()}]},
    "uuid": {"id": uuid.UUID(int=7)},
    "bytes": {"raw": b"\x00"},
    "surrogate": {"text": "half \udcff"},
    "nan": {"number": math.nan},
    "none": None,
}

CIRCLE: dict = {}
CIRCLE["inner"] = {"outer": CIRCLE}
VALUES["circle"] = CIRCLE


async def main(request: StandaloneLambdaRequest) -> dict:
    return VALUES[request.json["value"]]
