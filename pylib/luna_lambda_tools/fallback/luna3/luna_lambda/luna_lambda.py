"""The client of the lambda service, as far as it reaches lambdas: the calls of its proxy.

This is lambdapool's own, not derived from VisionLabs' luna3; where that is installed, it is the one that is imported.
"""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any, Awaitable, Mapping, Optional, Union
from urllib.parse import quote, urlencode, urlsplit

from luna3.common.exceptions import LunaApiException
from luna3.common.luna_response import LunaResponse
from multidict import CIMultiDict

__all__ = ["LambdaApi"]

_SERVICE = "luna-lambda"
_TIMEOUT = 60.0
_PATH = "/%:@!$&'()*+,;=~-._"

Reply = Union[LunaResponse, Awaitable[LunaResponse]]
Query = Union[Mapping[str, Any], list[tuple[str, Any]]]


class LambdaApi:
    """Calls a lambda through `{origin}/{api}/lambdas/{lambdaId}/proxy/{path}`.

    Each call gives a LunaResponse (`statusCode`, `json`, `text`, `body`, `headers`) whatever its status, or with
    asyncRequest=True an awaitable of one. Without a whole answer it raises LunaApiException, whose text says why.

    ::

        LambdaApi(origin="http://127.0.0.1:8000", api=1).proxyLambdaPost(lambdaId, "main", accountId, body={"a": 1}).json

    Source: LUNA manual, the request examples.
    """

    def __init__(
        self,
        origin: str,
        api: int = 1,
        lunaRequestId: Optional[str] = None,
        asyncRequest: bool = False,
        timeout: float = _TIMEOUT,
    ) -> None:
        """origin: scheme://host:port. api: the version of the API. lunaRequestId: sent with each call, when given.
        timeout: in seconds; of each wait for the server, of the whole call with asyncRequest=True. Raises ValueError for an origin that is none."""
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"origin is {origin!r}; it must be http://HOST:PORT or https://HOST:PORT")
        self._parts = parts
        self.origin = origin.rstrip("/")
        self.api = api
        self.lunaRequestId = lunaRequestId
        self.asyncRequest = asyncRequest
        self.timeout = timeout

    def __repr__(self) -> str:
        return f"<LambdaApi {self.baseUri}>"

    @property
    def baseUri(self) -> str:
        """`{origin}/{api}`."""
        return f"{self.origin}/{self.api}"

    def getAddress(self) -> str:
        """The same as `baseUri`."""
        return self.baseUri

    def proxyLambdaGet(self, lambdaId: str, path: str, accountId: str, **options: Any) -> Reply:
        """GET; see `proxyLambda`."""
        return self.proxyLambda("GET", lambdaId, path, accountId, **options)

    def proxyLambdaPost(self, lambdaId: str, path: str, accountId: str, **options: Any) -> Reply:
        """POST; see `proxyLambda`."""
        return self.proxyLambda("POST", lambdaId, path, accountId, **options)

    def proxyLambdaPut(self, lambdaId: str, path: str, accountId: str, **options: Any) -> Reply:
        """PUT; see `proxyLambda`."""
        return self.proxyLambda("PUT", lambdaId, path, accountId, **options)

    def proxyLambdaPatch(self, lambdaId: str, path: str, accountId: str, **options: Any) -> Reply:
        """PATCH; see `proxyLambda`."""
        return self.proxyLambda("PATCH", lambdaId, path, accountId, **options)

    def proxyLambdaHead(self, lambdaId: str, path: str, accountId: str, **options: Any) -> Reply:
        """HEAD; see `proxyLambda`."""
        return self.proxyLambda("HEAD", lambdaId, path, accountId, **options)

    def proxyLambdaOptions(self, lambdaId: str, path: str, accountId: str, **options: Any) -> Reply:
        """OPTIONS; see `proxyLambda`."""
        return self.proxyLambda("OPTIONS", lambdaId, path, accountId, **options)

    def proxyLambdaDelete(self, lambdaId: str, path: str, accountId: str, **options: Any) -> Reply:
        """DELETE; see `proxyLambda`."""
        return self.proxyLambda("DELETE", lambdaId, path, accountId, **options)

    def proxyLambda(
        self,
        method: str,
        lambdaId: str,
        path: str,
        accountId: str,
        body: Any = None,
        headers: Optional[Mapping[str, str]] = None,
        queryParams: Optional[Query] = None,
        raiseError: bool = False,
        lunaRequestId: Optional[str] = None,
        asyncRequest: Optional[bool] = None,
        timeout: Optional[float] = None,
    ) -> Reply:
        """Any method.

        path: of the lambda, such as "main"; already percent-encoded where it has to be. body: bytes and str are sent as
        they are, anything else as JSON. raiseError: whether a status from 400 on raises LunaApiException.
        """
        url = f"{self.baseUri}/lambdas/{quote(lambdaId, safe='')}/proxy/{quote(path.lstrip('/'), safe=_PATH)}"
        if queryParams:
            url += f"?{urlencode(queryParams, doseq=True)}"
        sent: CIMultiDict[str] = CIMultiDict({"Luna-Account-Id": accountId})
        request_id = lunaRequestId or self.lunaRequestId
        if request_id:
            sent["Luna-Request-Id"] = request_id
        data: Optional[bytes] = None
        if isinstance(body, str):
            data = body.encode()
        elif isinstance(body, (bytes, bytearray, memoryview)):
            data = bytes(body)
        elif body is not None:
            data = json.dumps(body, ensure_ascii=False).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        limit = self.timeout if timeout is None else timeout
        if self.asyncRequest if asyncRequest is None else asyncRequest:
            return self._send_asynchronously(method, url, data, sent, limit, raiseError)
        return self._checked(self._send(method, url, data, sent, limit), raiseError)

    def _send(
        self, method: str, url: str, data: Optional[bytes], headers: CIMultiDict[str], timeout: float
    ) -> LunaResponse:
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=timeout)
        try:
            connection.request(method, _target(url), body=data, headers=headers)  # type: ignore[arg-type]
            answer = connection.getresponse()
            body = answer.read()
            return LunaResponse(_SERVICE, method, url, answer.status, CIMultiDict(answer.getheaders()), body)
        except (TimeoutError, socket.timeout) as error:
            raise _failure(method, url, f"no answer within {timeout:g} s") from error
        except ConnectionRefusedError as error:
            raise _failure(method, url, "cannot connect: nothing listens there") from error
        except OSError as error:
            raise _failure(method, url, f"cannot connect: {error.strerror or error}") from error
        except http.client.HTTPException as error:
            raise _failure(method, url, f"the answer is not HTTP: {type(error).__name__}: {error}") from error
        finally:
            connection.close()

    async def _send_asynchronously(
        self,
        method: str,
        url: str,
        data: Optional[bytes],
        headers: CIMultiDict[str],
        timeout: float,
        raise_error: bool,
    ) -> LunaResponse:
        import asyncio

        import aiohttp
        from yarl import URL

        limits = aiohttp.ClientTimeout(total=timeout)
        try:
            async with aiohttp.ClientSession(timeout=limits, auto_decompress=False) as session:
                async with session.request(
                    method, URL(url, encoded=True), data=data, headers=headers, allow_redirects=False
                ) as answer:
                    body = await answer.read()
                    response = LunaResponse(_SERVICE, method, url, answer.status, answer.headers, body)
        except asyncio.TimeoutError as error:
            raise _failure(method, url, f"no answer within {timeout:g} s") from error
        except aiohttp.ClientConnectorError as error:
            raise _failure(method, url, f"cannot connect: {error}") from error
        except aiohttp.ClientError as error:
            raise _failure(method, url, f"the connection failed: {type(error).__name__}: {error}") from error
        return self._checked(response, raise_error)

    @staticmethod
    def _checked(response: LunaResponse, raise_error: bool) -> LunaResponse:
        if raise_error and response.statusCode >= 400:
            response.raiseForStatus()
        return response


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _failure(method: str, url: str, why: str) -> LunaApiException:
    return LunaApiException(f"{_SERVICE}: {method} {url}: {why}", service=_SERVICE, method=method, url=url)
