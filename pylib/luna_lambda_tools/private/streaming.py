"""A response that leaves in pieces, while it is made.

The supervisor lets a stream have so many bytes on their way to the client (the credit) and tells when some have left;
without credit ``send`` waits, so that a slow client slows down the lambda instead of filling memory.
"""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Protocol

from .errors import Headers

DEFAULT_CREDIT = 256 * 1024
_LARGEST_CHUNK = 64 * 1024
_NO_BODY = (204, 304)


class StreamChannel(Protocol):
    """The part of the channel that streams need."""

    def stream_head(self, id: int, status: int, headers: Headers, route: str = "") -> None: ...

    def stream_chunk(self, id: int, data: bytes | memoryview) -> None: ...

    def stream_end(self, id: int, error: str = "") -> None: ...


class Stream:
    """The streamed response of one request: a head, any number of chunks, one end."""

    def __init__(self, channel: StreamChannel, id: int, method: str, route: str, credit: int) -> None:
        self._channel = channel
        self._id = id
        self._method = method
        self._route = route
        self._credit = credit
        self._wakeup: asyncio.Future[None] | None = None
        self._turn = asyncio.Lock()  # one send at a time: the bytes of each stay together
        self._without_body = False
        self._head: tuple[int, Headers] | None = None
        self.opened = False  # the head has left
        self.ended = False

    def open(self, status: int, headers: Headers) -> None:
        """Begins the response. Its head leaves with the first piece: until then an exception is an ordinary failure."""
        if self._head is not None:
            raise RuntimeError("the response to this request has begun already; it can begin once only")
        self._head = (status, headers)
        self._without_body = self._method == "HEAD" or status in _NO_BODY

    @property
    def begun(self) -> bool:
        """Whether the response is this stream's, though its head may not have left."""
        return self._head is not None

    def _send_head(self) -> None:
        if self.opened:
            return
        if self._head is None:
            raise RuntimeError("the response has not begun")
        self.opened = True
        self._channel.stream_head(self._id, *self._head, self._route)

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """Sends the bytes in order, and lets the loop run once at least, so that they leave. Waits for credit."""
        async with self._turn:
            rest = memoryview(data).cast("B")
            while True:
                if self.ended:
                    raise RuntimeError("the response has ended; nothing can be sent after eof()")
                self._send_head()
                if self._without_body or not rest.nbytes:
                    await asyncio.sleep(0)
                    return
                if self._credit <= 0:
                    await self._wait_for_credit()
                    continue
                size = min(rest.nbytes, self._credit, _LARGEST_CHUNK)
                self._credit -= size
                self._channel.stream_chunk(self._id, bytes(rest[:size]))
                rest = rest[size:]
                await asyncio.sleep(0)

    def end(self, error: str = "") -> None:
        """Ends the stream; with an error the client sees that the body is not whole. Later calls do nothing."""
        if self.ended:
            return
        if not error:
            self._send_head()
        self.ended = True
        self._channel.stream_end(self._id, error)
        self._wake()

    def add_credit(self, amount: int) -> None:
        """The supervisor has passed on so many bytes."""
        self._credit += amount
        self._wake()

    async def _wait_for_credit(self) -> None:
        self._wakeup = asyncio.get_running_loop().create_future()
        try:
            await self._wakeup
        finally:
            self._wakeup = None

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)


class Exchange:
    """What the host keeps of a request beside the request itself.

    Attributes:
        name: who answers, for the log: ``ParameterHandler.post``.
        route: the template that matched; "" when none has parameters or none matched.
        arguments: the values of the template's parameters.
    """

    __slots__ = ("name", "route", "arguments", "_make_stream", "_stream")

    def __init__(self, name: str, route: str, arguments: dict[str, Any], make_stream: Callable[[], Stream]) -> None:
        self.name = name
        self.route = route
        self.arguments = arguments
        self._make_stream = make_stream
        self._stream: Stream | None = None

    @property
    def stream(self) -> Stream:
        """The request's only stream; most requests have none and never ask."""
        stream = self._stream
        if stream is None:
            stream = self._stream = self._make_stream()
        return stream

    @property
    def begun(self) -> Stream | None:
        """The stream that is the response to the request, if there is one."""
        stream = self._stream
        return stream if stream is not None and stream.begun else None
