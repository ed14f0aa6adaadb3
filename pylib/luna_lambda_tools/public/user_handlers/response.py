"""What the methods of a handler return."""

from __future__ import annotations

from inspect import isawaitable
from types import TracebackType
from typing import Any, AsyncIterable, Callable, Generator, Iterable, Mapping, Optional, Union

from multidict import CIMultiDict

from luna_lambda_tools.private.response_rules import checked_body, checked_headers, checked_status

Headers = Union[Mapping[str, Any], Iterable[tuple[str, Any]]]
Body = Union[str, bytes, bytearray, memoryview]
Chunks = Union[AsyncIterable[Body], Iterable[Body]]


class HTTPResponse:
    """A whole response, as `sendResponse` makes it; its attributes are those of Sanic's.

    Attributes:
        status: an int from 200 to 599.
        body: bytes.
        content_type: the value of Content-Type when `headers` has none; None for no such header.
    """

    __slots__ = ("status", "body", "content_type", "_checked", "_headers")

    def __init__(
        self,
        body: Optional[Body] = None,
        status: int = 200,
        headers: Optional[Headers] = None,
        content_type: Optional[str] = None,
    ) -> None:
        self.status = checked_status(status)
        self.body = checked_body(body)
        self.content_type = content_type
        self._checked = checked_headers(headers)
        self._headers: Any = None  # made when somebody asks, who may change them

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.status}, {len(self.body)} bytes>"

    @property
    def headers(self) -> CIMultiDict[str]:
        """A multidict without regard to case; `headers.add(name, value)` repeats a name, as for Set-Cookie."""
        if self._headers is None:
            self._headers = CIMultiDict(self._checked)
        headers: CIMultiDict[str] = self._headers
        return headers

    @headers.setter
    def headers(self, headers: Headers) -> None:
        self._headers = headers


class StreamResponse:
    """A response that is sent while it is made, as `stream` gives it.

    Use it in one of three ways::

        response = await self.stream(contentType="text/csv")     # sends the head
        await response.send("a,b\\n")                             # waits while the client is slow
        await response.eof()                                     # optional: the end of the method ends it, too

        async with self.stream(contentType="text/csv") as response:
            await response.send("a,b\\n")

        return self.stream(self.rows(), contentType="text/csv")  # rows: a generator, asynchronous or not
    """

    __slots__ = ("status", "headers", "content_type", "_source", "_stream", "_has_begun")

    def __init__(
        self,
        stream: Any,
        source: Optional[Chunks],
        status: int,
        headers: Optional[Headers],
        content_type: Optional[str],
    ) -> None:
        self.status = checked_status(status)
        self.headers: CIMultiDict[str] = CIMultiDict(checked_headers(headers))
        self.content_type = content_type
        self._source = source
        self._stream = stream
        self._has_begun = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.status}>"

    def __await__(self) -> Generator[Any, None, StreamResponse]:
        return self._begun().__await__()

    async def __aenter__(self) -> StreamResponse:
        return await self._begun()

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        if error is None:
            await self.eof()

    async def send(self, data: Body) -> None:
        """Sends a piece of the body; an empty one is left out. Waits while the client is slow.

        data: str is sent as UTF-8. Raises RuntimeError after `eof`.
        """
        self._begin()
        await self._stream.send(checked_body(data))

    async def eof(self) -> None:
        """Ends the response. What the method does afterwards no longer concerns the client."""
        self._begin()
        self._stream.end()

    async def _begun(self) -> StreamResponse:
        self._begin()
        if self._source is not None:
            await self._drain()
        return self

    def _begin(self) -> None:
        if not self._has_begun:
            self._stream.open(checked_status(self.status), head_of(self))
            self._has_begun = True

    async def _finish(self) -> None:
        """Sends what its source gives and ends it; for the host, when the method has returned."""
        self._begin()
        if self._source is not None:
            await self._drain()
        self._stream.end()

    async def _drain(self) -> None:
        source, self._source = self._source, None
        try:
            if isinstance(source, AsyncIterable):
                async for data in source:
                    await self.send(data)
            elif isinstance(source, (str, bytes, bytearray, memoryview)):  # a single piece, not its characters
                await self.send(source)
            elif source is not None:
                for data in source:
                    await self.send(data)
        finally:
            close: Callable[[], Any] = getattr(source, "aclose", None) or getattr(source, "close", None) or _nothing
            closing = close()
            if isawaitable(closing):
                await closing


def head_of(response: Any) -> tuple[tuple[str, str], ...]:
    """The headers of a response as they are sent. Raises ValueError or TypeError for those that cannot be."""
    if type(response) is HTTPResponse and response._headers is None:
        headers = list(response._checked)
    else:
        headers = checked_headers(response.headers)
    content_type = response.content_type
    if content_type is not None:
        for name, _ in headers:
            if name.lower() == "content-type":
                break
        else:
            headers[:0] = checked_headers([("Content-Type", content_type)])
    return tuple(headers)


def _nothing() -> None:
    return None
