"""What every request of one lambda shares."""

from __future__ import annotations

from typing import Any

from .log import RequestLogger


class Configuration:
    """``request.config``.

    Attributes:
        userConfig: the JSON object set for the lambda by its operator; empty when there is none.
    """

    def __init__(self, user_config: dict[str, Any] | None = None) -> None:
        self.userConfig: dict[str, Any] = user_config or {}


class Context:
    """Handed to each request object, which shows it to the lambda piece by piece."""

    def __init__(self, user_config: dict[str, Any] | None = None) -> None:
        self.userCtx: Any = None
        self.config = Configuration(user_config)

    def loggerFor(self, requestId: str) -> RequestLogger:
        """The logger bound to a request."""
        return RequestLogger(requestId)
