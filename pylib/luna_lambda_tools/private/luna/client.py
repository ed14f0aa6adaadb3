"""What the clients of all services have in common: from camelCase arguments to a request, and the call begun."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Mapping
from urllib.parse import quote, urlencode

from ..account import ACCOUNT_HEADER
from .calls import Call
from .response import LunaResponse
from .settings import Service
from .state import luna

_CAPITAL = re.compile(r"(?<!^)([A-Z])")
_BOUNDS = ("Gte", "Lte", "Gt", "Lt")
_JSON = "application/json"


class Connection:
    """One service, for one request of the lambda."""

    def __init__(self, service: Service, requestId: str) -> None:
        self.service = service
        self.requestId = requestId


class LunaClient:
    """The base of the clients.

    Each call begins at once and is sent whether or not it is awaited. Awaiting it gives a LunaResponse. With
    ``raiseError`` (the default) it raises LunaApiException for a status outside 200..299 and for a body that is not
    what the call promises; without any whole answer it raises that in any case. Keyword arguments that a call does not
    name go into the query (or the body, where the call has one), in snake_case; ``accountId`` is the one exception: it
    replaces the request's account.
    """

    def __init__(self, client: Connection, accountId: str | None) -> None:
        """client: made by the host."""
        self._client = client
        self._accountId = accountId

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.getAddress()}>"

    def getAddress(self) -> str:
        """The address of the service's API: `{origin}/{api_version}`."""
        return self._client.service.address

    def makeRequest(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        raiseError: bool = True,
        accountId: str | None = None,
    ) -> Call:
        """Any request to the service; path is below its API's address, as `/events`. Not part of LUNA's library."""
        below = path if path.startswith("/") else f"/{path}"
        return self._call(
            method, below, query, raiseError, json=json, body=body, headers=headers, accountId=accountId, wants=""
        )

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        raiseError: bool = True,
        *,
        json: Any = None,
        body: bytes | bytearray | memoryview | None = None,
        contentType: str = "",
        headers: Mapping[str, str] | None = None,
        accountId: str | None = None,
        wants: str = "json",
    ) -> Call:
        """Begins a call. Mistakes in its arguments come out of the call, as everything that fails does."""
        service = self._client.service
        sent = {"Accept": "*/*", "Accept-Encoding": "identity", "Luna-Request-Id": self._client.requestId}
        account = accountId or self._accountId
        if account:
            sent[ACCOUNT_HEADER] = account
        mistake: Exception | None = None
        url = f"{service.address}{path}"
        data: bytes | None = None
        try:
            arguments = query_of(query or {})
            if arguments:
                url += f"?{urlencode(arguments)}"
            if json is not None:
                sent["Content-Type"] = contentType or _JSON
                data = encoded(json)
            elif body is not None:
                sent["Content-Type"] = contentType or "application/octet-stream"
                data = bytes(body)
        except (TypeError, ValueError) as error:
            mistake = error
        sent.update(headers or {})
        work = _run(service, method, url, sent, data, raiseError and wants == "json", raiseError, mistake)
        return luna.calls.begin(work, f"{service.name}: {method} {path}")


async def _run(
    service: Service,
    method: str,
    url: str,
    headers: Mapping[str, str],
    data: bytes | None,
    must_be_json: bool,
    raise_error: bool,
    mistake: Exception | None,
) -> LunaResponse:
    if mistake is not None:
        kind = TypeError if isinstance(mistake, TypeError) else ValueError
        raise kind(f"{service.name}: {method} {url}: {mistake}")
    response = await luna.session.exchange(service, method, url, headers, data)
    if raise_error:
        response.raiseForStatus()
        if must_be_json and method != "HEAD":
            response.json  # noqa: B018  raises when it is none
    return response


def snake(name: str) -> str:
    """`createTimeGte` is `create_time__gte` to LUNA, `pageSize` is `page_size`."""
    for bound in _BOUNDS:
        if name.endswith(bound) and name != bound:
            return f"{snake(name[: -len(bound)])}__{bound.lower()}"
    return _CAPITAL.sub(r"_\1", name).lower()


def snaked(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by LUNA's names, without those that are None."""
    return {snake(name): value for name, value in arguments.items() if value is not None}


def query_of(arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Arguments as LUNA has them in a query: lists joined by commas, booleans as 0 and 1, None left out."""
    return [(snake(name), _in_query(value)) for name, value in arguments.items() if value is not None]


def segment(name: str, value: Any) -> str:
    """An id as one segment of a path."""
    text = str(value)
    if text in ("", ".", ".."):
        raise ValueError(f"{name} must be an id, not {text!r}")
    return quote(text, safe="")


def encoded(value: Any) -> bytes:
    """JSON in UTF-8. bytes are base64; objects with asDict() or pydantic's model_dump() are what these give."""
    return json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _in_query(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(_in_query(each) for each in value)
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    for method in ("asDict", "model_dump", "dict"):
        convert = getattr(value, method, None)
        if callable(convert) and not isinstance(value, type):
            return convert()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if type(value).__name__ in ("UUID", "datetime", "date", "Decimal"):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent as JSON")
