"""What a call of a LUNA service gives: a response, or an exception that says all of it."""

from __future__ import annotations

import json
from typing import Any, Mapping

_UNSET: Any = object()
_SHOWN = 200


class LunaResponse:
    """The answer of a service.

    Attributes:
        service: its name, such as `luna-events`.
        method: of the request.
        url: of the request.
        statusCode: the HTTP status.
        headers: of the answer; names in any case.
        body: bytes.
    """

    __slots__ = ("service", "method", "url", "statusCode", "headers", "body", "_json")

    def __init__(
        self, service: str, method: str, url: str, statusCode: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        self.service = service
        self.method = method
        self.url = url
        self.statusCode = statusCode
        self.headers = headers
        self.body = body
        self._json: Any = _UNSET

    @property
    def success(self) -> bool:
        """Whether the status is one from 200 to 299."""
        return 200 <= self.statusCode <= 299

    @property
    def content(self) -> bytes:
        """The same as `body`."""
        return self.body

    @property
    def contentType(self) -> str:
        """The Content-Type without its parameters; "" when there is none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The body as JSON, parsed once; None when it is empty. Raises LunaApiException when it is no JSON."""
        if self._json is _UNSET:
            try:
                self._json = json.loads(self.body.decode("utf-8")) if self.body else None
            except ValueError:
                raise _failed(self, "with a body that is not JSON: " + _short(self.text)) from None
        return self._json

    def __repr__(self) -> str:
        return f"<LunaResponse {self.statusCode} of {self.method} {self.url}>"

    def raiseForStatus(self) -> None:
        """Raises LunaApiException unless it is a success."""
        if self.success:
            return
        error = self._error()
        if error:
            said = f"{error.get('error_code')} {error.get('desc')}: {error.get('detail')}"
        elif 300 <= self.statusCode <= 399:
            said = f"a redirect to {_short(self.headers.get('Location', 'nowhere'))}, which is not followed"
        else:
            said = _short(self.text) if self.body else "without a body"
        raise _failed(self, f": {said}", error)

    def _error(self) -> dict[str, Any]:
        """LUNA's error in the body; empty when there is none."""
        try:
            value = self.json
        except LunaApiException:
            return {}
        return value if isinstance(value, dict) and "error_code" in value else {}


class LunaApiException(Exception):
    """A call that has failed: the service says so, or there is no whole answer of it.

    Attributes:
        service: the service's name.
        method: of the request.
        url: of the request.
        statusCode: the HTTP status; 0 when no whole answer came.
        errorCode: LUNA's code; 0 when the answer has none.
        desc: LUNA's short description.
        detail: LUNA's full one.
        response: the LunaResponse; None when no whole answer came.
    """

    def __init__(
        self,
        text: str,
        *,
        service: str = "",
        method: str = "",
        url: str = "",
        statusCode: int = 0,
        errorCode: int = 0,
        desc: str = "",
        detail: str = "",
        response: LunaResponse | None = None,
    ) -> None:
        super().__init__(text)
        self.service = service
        self.method = method
        self.url = url
        self.statusCode = statusCode
        self.errorCode = errorCode
        self.desc = desc
        self.detail = detail or text
        self.response = response


def _failed(response: LunaResponse, said: str, error: Mapping[str, Any] | None = None) -> LunaApiException:
    error = error or {}
    code = error.get("error_code")
    gap = "" if said.startswith(":") else " "
    return LunaApiException(
        f"{response.service}: {response.method} {response.url} was answered {response.statusCode}{gap}{said}",
        service=response.service,
        method=response.method,
        url=response.url,
        statusCode=response.statusCode,
        errorCode=code if isinstance(code, int) else 0,
        desc=str(error.get("desc", "")),
        detail=str(error.get("detail", "")),
        response=response,
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
