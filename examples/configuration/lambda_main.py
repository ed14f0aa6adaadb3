"""Values that are not code: lambda_config.yml, read as the dictionary lambdaConfig."""

from luna_lambda_tools import StandaloneLambdaRequest, lambdaConfig

LIMIT = lambdaConfig["limits"]["items"]  # there already while the lambda is imported


async def main(request: StandaloneLambdaRequest) -> dict:
    """Tell what the configuration says."""
    return {
        "title": lambdaConfig["title"],
        "limit": LIMIT,
        "administrators": [user["name"] for user in lambdaConfig["users"] if user["admin"]],
        "colour": lambdaConfig.get("colour", "none is set"),
    }
