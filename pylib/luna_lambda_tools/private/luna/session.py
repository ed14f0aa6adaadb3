"""One request to a service and its whole answer, over the worker's pool of connections; the only door to aiohttp."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any, Mapping

from ..failures import summary_of, text_of
from .importing import import_library
from .response import LunaApiException, LunaResponse
from .settings import Service

_IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
_FIRST_PAUSE = 0.1  # before a second attempt; it doubles
_KEEP_ALIVE = 4.0  # less than servers do: a connection that is just being closed costs the call it is used for
_PIECE = 64 * 1024


class Session:
    """Made at the first call. Nothing here is shared with the lambda's own aiohttp but the library."""

    def __init__(self, root: str, retries: int, pool_size: int, max_answer: int) -> None:
        """root: the lambda's folder."""
        self._root = root
        self._retries = retries
        self._pool_size = pool_size
        self._max_answer = max_answer
        self._library: ModuleType | None = None
        self._session: Any = None

    async def exchange(
        self, service: Service, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> LunaResponse:
        """The answer, whatever its status. Raises LunaApiException when there is no whole one in time.

        A connection that could not be made is tried again; what the service may have seen is sent again only when
        doing so twice does no harm.
        """
        library, session = self._open()
        limits = service.timeouts
        timeout = library.ClientTimeout(
            total=None, connect=limits.connect, sock_connect=limits.sock_connect, sock_read=limits.sock_read
        )
        pause = _FIRST_PAUSE
        try:
            async with asyncio.timeout(limits.request):
                for attempt in range(self._retries + 1):
                    try:
                        return await self._attempt(session, service, method, url, headers, body, timeout)
                    except library.ClientError as error:
                        if attempt == self._retries or not self._may_repeat(error, method):
                            raise
                    await asyncio.sleep(pause)
                    pause *= 2
        except LunaApiException:
            raise
        except TimeoutError as error:
            within = f"no answer within its time-out, {limits.request:g} s"
            if isinstance(error, library.ServerTimeoutError):
                within = f"{text_of(error)} (time-outs: {_shown(limits)})"
            failure = within
        except library.ClientError as error:
            failure = self._text_of(error)
        raise LunaApiException(
            f"{service.name}: {method} {url}: {failure}", service=service.name, method=method, url=url
        )

    async def close(self) -> None:
        """Closes the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> tuple[ModuleType, Any]:
        """Raises ImportError."""
        library = self._library
        if library is None:
            try:
                library = self._library = import_library("aiohttp", self._root)
            except Exception as error:
                raise ImportError(
                    f"request.clients need aiohttp, which cannot be imported: {summary_of(error)}; install it "
                    "(Debian: python3-aiohttp; for a virtual environment: pip install aiohttp)"
                ) from None
        if self._session is None or self._session.closed:
            connector = library.TCPConnector(limit=self._pool_size, keepalive_timeout=_KEEP_ALIVE)
            self._session = library.ClientSession(
                connector=connector, cookie_jar=library.DummyCookieJar(), trust_env=False
            )
        return library, self._session

    async def _attempt(
        self,
        session: Any,
        service: Service,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: Any,
    ) -> LunaResponse:
        async with session.request(
            method, url, headers=headers, data=body, timeout=timeout, allow_redirects=False
        ) as answer:
            pieces, size = [], 0
            async for piece in answer.content.iter_chunked(_PIECE):
                size += len(piece)
                if size > self._max_answer:
                    answer.close()
                    raise LunaApiException(
                        f"{service.name}: {method} {url}: its answer is larger than luna.max_answer, "
                        f"{self._max_answer} bytes",
                        service=service.name,
                        method=method,
                        url=url,
                    )
                pieces.append(piece)
            return LunaResponse(service.name, method, url, answer.status, answer.headers, b"".join(pieces))

    def _may_repeat(self, error: BaseException, method: str) -> bool:
        library = self._library
        assert library is not None
        if isinstance(error, (library.ServerTimeoutError, library.ClientSSLError)):
            return False
        if isinstance(error, library.ClientConnectorError):
            return True
        return method in _IDEMPOTENT and isinstance(error, (library.ServerDisconnectedError, library.ClientOSError))

    def _text_of(self, error: BaseException) -> str:
        library = self._library
        assert library is not None
        if isinstance(error, library.ClientConnectorError):
            return f"cannot connect: {text_of(error)}"
        if isinstance(error, library.ServerDisconnectedError):
            return "the service closed the connection without an answer"
        if isinstance(error, library.ClientPayloadError):
            return f"the answer broke off: {text_of(error)}"
        if isinstance(error, library.ClientResponseError):
            return f"the answer is not HTTP: {error.message or text_of(error)}"
        return f"the connection failed: {summary_of(error)}"


def _shown(limits: Any) -> str:
    return ", ".join(f"{name} {value:g} s" for name, value in zip(limits._fields, limits, strict=True))
