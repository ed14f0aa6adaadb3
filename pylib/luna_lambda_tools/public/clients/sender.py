"""The client of luna-sender."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from luna_lambda_tools.private.luna.calls import Call
from luna_lambda_tools.private.luna.client import LunaClient, snaked

__all__ = ["Sender"]


class Sender(LunaClient):
    """Publishes events to those who listen to luna-sender.

    Source: LUNA manual, page "Luna services clients description".
    """

    def publish(
        self,
        events: Sequence[Any],
        *,
        handlerId: str,
        eventCreateTime: Optional[str] = None,
        eventEndTime: Optional[str] = None,
        raiseError: bool = True,
        **kwargs: Any,
    ) -> Call:
        """Publishes events in the name of a handler. The times are RFC 3339."""
        account = kwargs.pop("accountId", None)
        body = {
            "events": events,
            **snaked(
                {
                    "handlerId": handlerId,
                    "eventCreateTime": eventCreateTime,
                    "eventEndTime": eventEndTime,
                    **kwargs,
                }
            ),
        }
        return self._call("POST", "/events", None, raiseError, json=body, accountId=account)
