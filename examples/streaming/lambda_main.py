"""Answers that are sent while they are made: no limit on their length, and the client sees the beginning at once."""

import asyncio

from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest


class CountHandler(LambdaUserHandler):
    """Sends a piece at a time; `send` waits while the client is slow, so that memory stays small."""

    route: str = "/count/<last:int>"

    async def get(self, last):
        async with self.stream(contentType="text/plain") as response:
            for number in range(1, last + 1):
                await response.send(f"{number}\n")
                await asyncio.sleep(0)


class TableHandler(LambdaUserHandler):
    """Sends what a generator gives."""

    route: str = "/table.csv"

    async def get(self):
        return self.stream(self.rows(), contentType="text/csv", headers={"Content-Disposition": "attachment"})

    async def rows(self):
        yield "n,square\n"
        for number in range(1, 4):
            yield f"{number},{number * number}\n"


ROUTES_TO_ADD = [CountHandler, TableHandler]


async def main(request: StandaloneLambdaRequest) -> dict:
    """Where to look."""
    return {"routes": ["/count/<last>", "/table.csv"]}
