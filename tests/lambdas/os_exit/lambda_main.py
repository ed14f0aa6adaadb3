"""Ends its process without a word, with the status that its request names."""

import os

from luna_lambda_tools import StandaloneLambdaRequest


async def main(request: StandaloneLambdaRequest) -> dict:
    os._exit(request.json["status"])
