"""The smallest lambda: it greets whoever the request names."""

from luna_lambda_tools import StandaloneLambdaRequest, logger


async def main(request: StandaloneLambdaRequest) -> dict:
    """Greet the caller."""
    name = (request.json or {}).get("name", "world")
    logger.info(f"greeting {name}")
    return {"result": f"Hello, {name}!"}
