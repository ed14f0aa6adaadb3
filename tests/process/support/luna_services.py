"""Stand-ins for LUNA's services: real HTTP servers on the loopback, and ports behind which something is wrong."""

import json
import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]  # status; bytes, None, or what is sent as JSON


@dataclass
class Received:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class StubService:
    """Keeps what it is sent, in order. `answer` says what to say: by default 200 and an empty object."""

    def __init__(self, answer: Callable[[Received], Answer] | None = None) -> None:
        self.answer: Callable[[Received], Answer] = answer or (lambda _: (200, {}))
        self.requests: list[Received] = []
        self._changed = threading.Condition()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _handle(self) -> None:
                path, _, query = self.path.partition("?")
                length = int(self.headers.get("Content-Length") or 0)
                received = Received(
                    self.command,
                    path,
                    dict(urllib.parse.parse_qsl(query, keep_blank_values=True)),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
                with stub._changed:
                    stub.requests.append(received)
                    stub._changed.notify_all()
                status, value = stub.answer(received)
                body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
                self.send_response(status)
                if not isinstance(value, bytes) and value is not None:
                    self.send_header("Content-Type", "application/json")
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD" and status != 204:
                    self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _handle

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024  # connections that come at once

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for(self, count: int = 1, within: float = 15.0) -> list[Received]:
        """The requests, when there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, within), (
                f"{len(self.requests)} of {count} requests within {within} s"
            )
            return list(self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class RawService:
    """Takes connections and sends bytes of its own, whatever it is sent; then it hangs or closes."""

    pieces: list[bytes]
    then_close: bool = True
    endless: bool = False  # the last piece again and again
    connections: int = 0
    _sockets: list[socket.socket] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            connection.recv(65536)
            for piece in self.pieces:
                connection.sendall(piece)
            while self.endless and not self._stopped.is_set():
                connection.sendall(self.pieces[-1])
            if self.then_close:
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()
        except OSError:
            pass

    def close(self) -> None:
        self._stopped.set()
        self._listener.close()
        for connection in self._sockets:
            connection.close()


def unused_origin() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def services() -> Iterator[Callable[..., Any]]:
    """Makes services, `make()` or `make(RawService, ...)`, and closes them at the end."""
    made: list[Any] = []

    def make(kind: Callable[..., Any] = StubService, *arguments: Any, **keywords: Any) -> Any:
        made.append(kind(*arguments, **keywords))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            one.close()


def addresses(**origins: str) -> Mapping[str, str]:
    """Settings of `lambdapool` for services by LUNA's names: `addresses(LUNA_FACES=stub.origin)`."""
    return {f"luna.{name}_ADDRESS.origin": origin for name, origin in origins.items()}
