"""The other end of a control socket, and the commands that use it."""

import contextlib
import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.lambdapool import run


class Control:
    """One connection to a control socket."""

    def __init__(self, path: str | Path, timeout: float = 20.0) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self._buffer = b""

    def __enter__(self) -> "Control":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def line(self) -> Any:
        """The next answer; None at the end of the connection."""
        while b"\n" not in self._buffer:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                assert self._buffer == b"", self._buffer[:200]
                return None
            self._buffer += more
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line)

    def ask(self, command: str, **arguments: Any) -> Any:
        self.send(json.dumps({"command": command, **arguments}).encode() + b"\n")
        return self.line()

    def result(self, command: str, **arguments: Any) -> Any:
        answer = self.ask(command, **arguments)
        assert answer["ok"] is True, answer
        return answer["result"]

    def error(self, command: str, **arguments: Any) -> str:
        answer = self.ask(command, **arguments)
        assert answer["ok"] is False, answer
        error: str = answer["error"]
        return error


def status_of(path: str | Path) -> Any:
    with Control(path) as control:
        return control.result("status")


def command(path: str | Path, *arguments: str, within: float = 20.0) -> subprocess.CompletedProcess[str]:
    """Runs `lambdapool ARGUMENTS --socket PATH`."""
    return run(*arguments, "--socket", str(path), within=within)


@contextlib.contextmanager
def connections(path: str | Path, count: int) -> Iterator[list[Control]]:
    made: list[Control] = []
    try:
        for _ in range(count):
            made.append(Control(path))
        yield made
    finally:
        for one in made:
            one.socket.close()
