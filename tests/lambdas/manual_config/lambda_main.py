from luna_lambda_tools import StandaloneLambdaRequest, lambdaConfig


async def main(request: StandaloneLambdaRequest) -> dict:
    result = {
        "title": lambdaConfig["name"],
        "version": lambdaConfig["version"],
        "feature1_enabled": lambdaConfig["features"]["feature_1"],
        "username": lambdaConfig["users"][0]["name"],
    }
    return result
