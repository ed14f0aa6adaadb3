"""The client of luna-remote-sdk."""

from __future__ import annotations

from typing import Any

from luna_lambda_tools.private.luna.calls import Call
from luna_lambda_tools.private.luna.client import LunaClient

__all__ = ["LRS"]


class LRS(LunaClient):
    """Detects faces and bodies, extracts descriptors, estimates.

    Source: LUNA manual, page "Luna services clients description".
    """

    def sdk(self, inputData: Any, contentType: str = "image/jpeg", raiseError: bool = True, **kwargs: Any) -> Call:
        """Processes images.

        inputData: one image as bytes, or what is sent as JSON. Keyword arguments say what is to be done, such as
        `detectFace=1`, `estimateMask=1`.
        """
        return self._process("/sdk", inputData, contentType, raiseError, kwargs)

    def videosdk(self, videoSDKInput: Any, contentType: str = "video/mp4", raiseError: bool = True, **kwargs: Any) -> Call:
        """Processes a video: one as bytes, or what is sent as JSON."""
        return self._process("/videosdk", videoSDKInput, contentType, raiseError, kwargs)

    def _process(self, path: str, data: Any, content_type: str, raise_error: bool, more: dict[str, Any]) -> Call:
        account = more.pop("accountId", None)
        if isinstance(data, (bytes, bytearray, memoryview)):
            return self._call("POST", path, more, raise_error, body=data, contentType=content_type, accountId=account)
        return self._call("POST", path, more, raise_error, json=data, accountId=account)
