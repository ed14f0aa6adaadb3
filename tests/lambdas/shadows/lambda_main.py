"""Has modules named like those of the standard library that the host needs."""

import colours

from luna_lambda_tools import StandaloneLambdaRequest


async def main(request: StandaloneLambdaRequest) -> dict:
    return {"colours": colours.ALL, "sent": request.json}
