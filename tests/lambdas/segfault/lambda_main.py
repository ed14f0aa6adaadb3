"""Reads from address zero."""

import ctypes

from luna_lambda_tools import StandaloneLambdaRequest


def boom():
    return ctypes.string_at(0)


async def main(request: StandaloneLambdaRequest) -> dict:
    return {"result": str(boom())}
