"""The client of luna-video-agent."""

from __future__ import annotations

from typing import Any

from luna_lambda_tools.private.luna.calls import Call
from luna_lambda_tools.private.luna.client import LunaClient

__all__ = ["LVA"]


class LVA(LunaClient):
    """Processes videos. Source: LUNA manual, page "Luna services clients description"."""

    def videosdk(self, videoSDKInput: Any, raiseError: bool = True, **kwargs: Any) -> Call:
        """Processes a video; the input is sent as JSON."""
        account = kwargs.pop("accountId", None)
        return self._call("POST", "/videosdk", kwargs, raiseError, json=videoSDKInput, accountId=account)
