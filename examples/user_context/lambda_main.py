"""Something that all requests share: made before the first one, closed after the last one."""

import sqlite3

from luna_lambda_tools import StandaloneLambdaRequest, logger


class UserCtx:
    """Made without arguments; every request has it as `request.userCtx`. Each worker process has its own."""

    def __init__(self):
        self.database = None

    async def onStart(self):
        """Runs before the first request; when it raises, the lambda does not start."""
        self.database = sqlite3.connect(":memory:")
        self.database.execute("CREATE TABLE visitors (name TEXT)")
        logger.info("database opened")

    async def onShutdown(self):
        """Runs after the last request."""
        self.database.close()
        logger.info("database closed")

    def add(self, name):
        """Adds a visitor; returns how many there are."""
        self.database.execute("INSERT INTO visitors VALUES (?)", (name,))
        return self.database.execute("SELECT count(*) FROM visitors").fetchone()[0]


async def main(request: StandaloneLambdaRequest) -> dict:
    """Count a visitor."""
    return {"visitors": request.userCtx.add(request.json["name"])}
