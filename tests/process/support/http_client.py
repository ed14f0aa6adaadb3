"""An HTTP/1.1 client that sends exactly the bytes it is given and reads answers strictly.

It keeps nothing secret from the test: interim answers, bytes after an answer, resets.
"""

import json
import re
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(rb"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$")
STATUS_LINE = re.compile(rb"^HTTP/1\.1 ([1-5]\d\d) ([\t -~]*)$")
NO_BODY = (204, 304)

Headers = dict[str, str] | list[tuple[str, str]]


class Closed(AssertionError):
    """The server closed the connection where an answer was awaited."""


@dataclass
class Response:
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    interim: list[int] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        assert self.header("Content-Type") == "application/json", self.headers
        return json.loads(self.body)

    @property
    def closes(self) -> bool:
        return (self.header("Connection") or "").lower() == "close"


def request_bytes(
    method: str = "POST",
    target: str = "/main",
    *,
    headers: Headers | None = None,
    body: bytes | None = None,
    json_body: Any = None,
    host: str | None = "localhost",
    version: str = "HTTP/1.1",
) -> bytes:
    """A request with Host and Content-Length as they should be, unless told otherwise."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    if json_body is not None:
        body = json.dumps(json_body).encode()
        pairs.append(("Content-Type", "application/json"))
    if host is not None:
        pairs.insert(0, ("Host", host))
    if body is not None or method == "POST":
        pairs.append(("Content-Length", str(len(body or b""))))
    head = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    return f"{method} {target} {version}\r\n{head}\r\n".encode("latin-1") + (body or b"")


def chunked(*pieces: bytes, trailers: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n" + trailers + b"\r\n"


class Connection:
    """One TCP connection. Every read has a bound; a bound that passes fails the test."""

    def __init__(
        self, address: tuple[str, int], timeout: float = 10.0, receive_buffer: int | None = None
    ) -> None:
        self.timeout = timeout
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        self.socket.settimeout(self.timeout)
        self.socket.sendall(data)

    def half_close(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Closes with RST, as a client that crashed does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def request(self, *arguments: Any, **keywords: Any) -> Response:
        """Sends one request of `request_bytes` and reads its answer."""
        data = request_bytes(*arguments, **keywords)
        self.send(data)
        return self.receive(data.split(b" ", 1)[0].decode())

    def receive(self, method: str = "POST", within: float | None = None) -> Response:
        """Reads one final answer to a request of `method`; interim ones are noted in it."""
        deadline = time.monotonic() + (self.timeout if within is None else within)
        interim: list[int] = []
        while True:
            response = self._head(deadline)
            if response.status >= 200:
                break
            interim.append(response.status)
        response.interim = interim
        length = response.header("Content-Length")
        encoding = response.header("Transfer-Encoding")
        assert length is None or encoding is None, "Content-Length and Transfer-Encoding"
        if method == "HEAD" or response.status in NO_BODY:
            if response.status == 204:
                assert length is None and encoding is None, response.headers
            return response
        if encoding is not None:
            assert encoding == "chunked", encoding
            response.body = self._chunks(deadline)
        else:
            assert length is not None and re.fullmatch(r"\d+", length), response.headers
            response.body = self._take(int(length), deadline)
        return response

    def nothing_comes(self, during: float) -> None:
        """Fails when the server sends anything, or closes, within `during` seconds."""
        assert self.buffer == b"", self.buffer[:200]
        self.socket.settimeout(during)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return
        raise AssertionError(f"expected silence, got {data[:200]!r}")

    def is_closed(self, within: float | None = None) -> bool:
        """Waits for the end of the connection; bytes that come instead fail the test."""
        return self.rest(within) == b""

    def rest(self, within: float | None = None) -> bytes:
        """Everything up to the end of the connection, which must be orderly (no reset)."""
        deadline = time.monotonic() + (self.timeout if within is None else within)
        while self._more(deadline):
            pass
        data, self.buffer = self.buffer, b""
        return data

    def ends(self, within: float | None = None) -> None:
        """Waits for the end of the connection, orderly or by a reset; ignores bytes before it."""
        deadline = time.monotonic() + (self.timeout if within is None else within)
        try:
            while self._more(deadline):
                self.buffer = b""
        except ConnectionResetError:
            pass

    # ------------------------------------------------------------------ reading

    def _more(self, deadline: float) -> bool:
        left = deadline - time.monotonic()
        if left <= 0:
            raise AssertionError(f"no answer in time; so far {self.buffer[:300]!r}")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(1 << 18)
        except TimeoutError:
            raise AssertionError(f"no answer in time; so far {self.buffer[:300]!r}") from None
        self.buffer += data
        return data != b""

    def _take(self, count: int, deadline: float) -> bytes:
        if len(self.buffer) < count:
            # Large bodies: collected in a list, since adding to bytes copies them each time.
            pieces, have = [self.buffer], len(self.buffer)
            while have < count:
                self.buffer = b""
                if not self._more(deadline):
                    raise Closed(f"closed after {have} of {count} bytes of the body")
                pieces.append(self.buffer)
                have += len(self.buffer)
            self.buffer = b"".join(pieces)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _line(self, deadline: float) -> bytes:
        while b"\r\n" not in self.buffer:
            if not self._more(deadline):
                raise Closed(f"closed with {self.buffer[:300]!r} received")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        assert b"\n" not in line and b"\r" not in line, line
        return line

    def _head(self, deadline: float) -> Response:
        start = self._line(deadline)
        found = STATUS_LINE.match(start)
        assert found, f"bad status line {start[:200]!r}"
        headers: list[tuple[str, str]] = []
        while line := self._line(deadline):
            name, colon, value = line.partition(b":")
            assert colon and TOKEN.match(name), f"bad header {line[:200]!r}"
            assert not value or value.startswith(b" "), f"bad header {line[:200]!r}"
            assert not any(byte < 32 and byte != 9 for byte in value), f"bad header {line[:200]!r}"
            headers.append((name.decode(), value.strip().decode("latin-1")))
        return Response(int(found[1]), found[2].decode(), headers)

    def _chunks(self, deadline: float) -> bytes:
        body = b""
        while True:
            size = int(self._line(deadline), 16)
            if size == 0:
                assert self._line(deadline) == b"", "trailers"
                return body
            body += self._take(size, deadline)
            assert self._line(deadline) == b"", "a chunk that is longer than it says"
