"""What the benchmark of large bodies asks for: the length of a body, or a body of a length."""

from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest

ANSWERS: dict[int, bytes] = {}


class Bytes(LambdaUserHandler):
    route: str = "/bytes/<count:int>"

    async def get(self, count: int):
        if count not in ANSWERS:
            ANSWERS[count] = b"x" * count
        return self.sendResponse(body=ANSWERS[count], headers={"Content-Type": "application/octet-stream"})


ROUTES_TO_ADD = [Bytes]


async def main(request: StandaloneLambdaRequest) -> dict:
    return {"length": len(request.body)}
