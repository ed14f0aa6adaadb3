"""Ends its process as a failed assertion of a C library does."""

import os

from luna_lambda_tools import StandaloneLambdaRequest


def give_up():
    os.abort()


async def main(request: StandaloneLambdaRequest) -> dict:
    give_up()
