"""A stub of InfluxDB on loopback: it takes points, or fails as it is told."""

import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.wait import eventually


@dataclass
class Write:
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    lines: list[str]


@dataclass
class Influx:
    """What was written, and how the next writes are answered: a status, or "hang"."""

    origin: str = ""
    answer: int | str = 204
    writes: list[Write] = field(default_factory=list)
    refused: list[Write] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def lines(self) -> list[str]:
        return [line for write in self.writes for line in write.lines]

    def of(self, series: str) -> list[str]:
        return [line for line in self.lines if line.startswith(f"{series},")]

    def wait_for(self, condition: Callable[["Influx"], Any], within: float = 15.0, what: str = "points") -> Any:
        return eventually(lambda: condition(self), within, what)


@contextmanager
def running(port: int = 0) -> Iterator[Influx]:
    influx = Influx()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            write = Write(parts.path, query, dict(self.headers.items()), body.split("\n"))
            answer = influx.answer
            if answer == "hang":
                influx.refused.append(write)
                influx.ended.wait()
                self.close_connection = True
                return
            assert isinstance(answer, int)
            (influx.writes if answer < 300 else influx.refused).append(write)
            told = b"" if answer == 204 else b'{"code":"invalid","message":"the stub refuses"}'
            self.send_response(answer)
            if told:
                self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that left

    server = Server(("127.0.0.1", port), Handler)
    influx.origin = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield influx
    finally:
        influx.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
