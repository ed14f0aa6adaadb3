"""The server under test: started as an operator starts it, watched from outside.

`check` and `stop` hold what must be true after every test, whatever it did; see their docstrings.
"""

import functools
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from support import processes
from support.http_client import Connection, Response, request_bytes
from support.log import Log, Record, parse_json, parse_text
from support.wait import eventually

ROOT = Path(__file__).resolve().parents[3]
LAMBDAS = ROOT / "tests" / "lambdas"
PROGRAMS = Path(os.environ.get("LAMBDAPOOL_BIN", ROOT / "build" / "dev" / "bin")).resolve()

# What each server is started with: LAMBDAPOOL_PRELOAD=lambda runs the tests with that template.
PRELOAD = os.environ.get("LAMBDAPOOL_PRELOAD", "")
# LAMBDAPOOL_INTERPRETER=system has all workers run by the system's Python.
INTERPRETER = os.environ.get("LAMBDAPOOL_INTERPRETER", "")
EVERYWHERE = {
    key: value for key, value in (("pool.preload", PRELOAD), ("worker.interpreter", INTERPRETER)) if value
}

reads_files_at_each_start = pytest.mark.skipif(
    PRELOAD == "lambda", reason="the template keeps the lambda as it was imported, until a reload"
)

LISTENING = re.compile(r"^listening on http://(\[[0-9a-f:.]+\]|[0-9.]+):(\d+)$")

# What a stop may take at most, whatever the lambda does within the limits that tests set.
STOP_BOUND = 15.0


@functools.cache
def sanitized() -> bool:
    """Whether the programs are built with a sanitizer: they are slower and larger then."""
    return b"__asan_init" in (PROGRAMS / "lambdapool").read_bytes()


# Where servers keep their state, such as tasks, unless a test says otherwise.
STATE = tempfile.TemporaryDirectory(prefix="lambdapool-state-")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    found = dict(os.environ)
    found.pop("STATE_DIRECTORY", None)
    found["XDG_STATE_HOME"] = STATE.name
    # Freed memory is given back at once, so that what a sanitizer keeps is not taken for a leak.
    found["ASAN_OPTIONS"] = "quarantine_size_mb=1:" + found.get("ASAN_OPTIONS", "")
    found.update(extra or {})
    return found


def arguments_of(settings: Mapping[str, object]) -> list[str]:
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def run(*arguments: str | Path, within: float = 20.0) -> subprocess.CompletedProcess[str]:
    """Runs `lambdapool` to its end; fails when it does not end by itself in time."""
    command = [str(PROGRAMS / "lambdapool"), *map(str, arguments)]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        text=True,
        errors="backslashreplace",
    ) as process:
        try:
            out, err = process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"still running after {within} s:\n{out}\n{err}") from None
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def level_shows_info(settings: Mapping[str, object] | None) -> bool:
    """Whether the log on standard error tells of every worker."""
    return not {"log.level", "log.file"} & set(settings or {})


class Lambdapool:
    """One `lambdapool serve`. Made by the `serve` fixture, which also ends and checks it."""

    running: dict[int, "Lambdapool"] = {}

    def __init__(
        self,
        path: str | Path,
        *arguments: str,
        settings: Mapping[str, object] | None = None,
        workers: int = 1,
        spares: int = 0,
        log_format: str = "json",
        extra_environment: Mapping[str, str] | None = None,
        stderr: int | None = None,
        read_output_on: bool = True,
        prefix: Sequence[str] = (),
    ) -> None:
        self.path = LAMBDAS / path if isinstance(path, str) else path
        self.expected_workers = workers + spares
        self._allowed: list[re.Pattern[str]] = []
        self._checked_records = 0
        self._stopped = False
        command = [
            *prefix,
            str(PROGRAMS / "lambdapool"),
            "serve",
            str(self.path),
            "--port",
            "0",
            "--workers",
            str(workers),
            *arguments_of({"pool.standby": spares} if spares else {}),
            "--log-format",
            log_format,
            *arguments_of({**EVERYWHERE, **(settings or {})}),
            *arguments,
        ]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if stderr is None else stderr,
            env=environment(extra_environment),
        )
        Lambdapool.running[self.pid] = self
        self.output: list[str] = []
        self._output_changed = threading.Condition()
        self._output_ended = False
        self._read_output_on = read_output_on
        self._reader = threading.Thread(target=self._read_output, name="stdout", daemon=True)
        self._reader.start()
        self.log: Log | None = None
        if self.process.stderr is not None:
            self.log = Log(self.process.stderr, parse_json if log_format == "json" else parse_text)
        self.address = self._wait_until_listening(within=20.0)
        # It listens as soon as the first worker is ready.
        if self.log is not None and level_shows_info(settings):
            self.log.wait_for("^worker ready$", count=workers, within=20)
        self.wait_for_workers(self.expected_workers, within=20)
        self.descriptors_at_start = processes.descriptors(self.pid)

    # ------------------------------------------------------------------ start

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            with self._output_changed:
                self.output.append(raw.decode("utf-8", "backslashreplace").rstrip("\n"))
                self._output_changed.notify_all()
            if not self._read_output_on:
                self.process.stdout.close()
                break
        with self._output_changed:
            self._output_ended = True
            self._output_changed.notify_all()

    def _wait_until_listening(self, within: float) -> tuple[str, int]:
        def line() -> "re.Match[str] | None":
            return next((found for one in self.output if (found := LISTENING.match(one))), None)

        with self._output_changed:
            self._output_changed.wait_for(lambda: line() or self._output_ended, within)
            found = line()
        if found is None:
            self.kill()
            log = "\n".join(self.log.lines[-30:]) if self.log else ""
            raise AssertionError(f"it does not listen; stdout {self.output}; log:\n{log}")
        return found[1].strip("[]"), int(found[2])

    # ------------------------------------------------------------------ requests

    def connect(self, **keywords: Any) -> Connection:
        return Connection(self.address, **keywords)

    def request(self, *arguments: Any, timeout: float = 10.0, **keywords: Any) -> Response:
        """One request on a connection of its own."""
        with self.connect(timeout=timeout) as connection:
            return connection.request(*arguments, **keywords)

    def post(self, json_body: Any = None, **keywords: Any) -> Response:
        return self.request("POST", "/main", json_body=json_body, **keywords)

    def begin(self, **order: Any) -> Connection:
        """Sends a request and waits until the lambda says that it runs it."""
        connection = self.connect(timeout=20)
        rid = f"{int(time.time())},{uuid.uuid4()}"
        connection.send(request_bytes(json_body=order, headers={"Luna-Request-Id": rid}))
        assert self.log is not None
        self.log.wait_for("^begun$", request_id=rid)
        return connection

    def unread(self, connection: Connection) -> int:
        """How many bytes of this connection the server has received but not read."""
        port = connection.socket.getsockname()[1]
        with open("/proc/net/tcp", encoding="ascii") as table:
            for line in table:
                fields = line.split()
                if fields[1].endswith(f":{self.address[1]:04X}") and fields[2].endswith(f":{port:04X}"):
                    return int(fields[4].split(":")[1], 16)
        return 0

    def has_read_all_of(self, connection: Connection, within: float = 5.0) -> None:
        """Waits until the server has taken every byte that was sent on the connection."""
        eventually(lambda: self.unread(connection) == 0, within, "the server reads what it was sent")

    # ------------------------------------------------------------------ processes

    @property
    def pid(self) -> int:
        return self.process.pid

    def workers(self) -> list[int]:
        """The process ids of the workers that are alive."""
        return sorted(
            child.pid
            for child in processes.children(self.pid)
            if child.state != "Z"
            and processes.program(child.pid) == "lambdapool-worker"
            and not processes.is_template(child.pid)
        )

    def templates(self) -> list[int]:
        """The process ids of the processes from which workers are forked."""
        return [
            child.pid
            for child in processes.children(self.pid)
            if child.state != "Z" and processes.is_template(child.pid)
        ]

    def worker(self) -> int:
        (pid,) = self.workers()
        return pid

    def wait_for_workers(self, count: int, within: float = 10.0) -> list[int]:
        eventually(lambda: len(self.workers()) == count, within, f"{count} workers")
        return self.workers()

    def wait_for_replacement_of(self, pid: int, within: float = 10.0) -> list[int]:
        """Waits until the worker is gone and there are as many as before."""
        eventually(
            lambda: pid not in self.workers() and len(self.workers()) == self.expected_workers,
            within,
            f"a replacement of worker {pid}",
        )
        return self.workers()

    def resident_bytes(self) -> int:
        return processes.resident_bytes(self.pid)

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    # ------------------------------------------------------------------ what must be true

    def allow(self, *patterns: str) -> None:
        """Names the errors that the log may hold after this test."""
        self._allowed += [re.compile(pattern) for pattern in patterns]

    def _check_log(self) -> None:
        if self.log is None:
            return
        assert not self.log.odd_lines, f"lines that are no records: {self.log.odd_lines[:5]}"
        records = list(self.log)
        new, self._checked_records = records[self._checked_records :], len(records)
        errors = [record for record in new if record.level == "error" and not self._is_allowed(record)]
        assert not errors, f"errors that the test does not name: {errors[:5]}"

    def _is_allowed(self, record: Record) -> bool:
        return any(pattern.search(record.message) for pattern in self._allowed)

    def check(self) -> None:
        """The supervisor lives, its workers are complete, and nothing is left of the test in it."""
        assert self.process.poll() is None, f"the supervisor ended: {self.process.returncode}"
        self.wait_for_workers(self.expected_workers)
        eventually(
            lambda: len(processes.descriptors(self.pid)) <= len(self.descriptors_at_start),
            what=f"descriptors as at the start; now {processes.descriptors(self.pid)}",
        )
        eventually(
            lambda: not [child for child in processes.children(self.pid) if child.state == "Z"],
            what="no zombies",
        )
        self._check_log()

    def stop(self, number: signal.Signals = signal.SIGTERM, within: float = STOP_BOUND) -> None:
        """Ends it in order: exit status 0 in time, no process left of it, its log closed."""
        if self._stopped:
            return
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.wait_for_exit(within)

    def wait_for_exit(self, within: float = STOP_BOUND, status: int = 0) -> None:
        if self._stopped:
            return
        workers = self.workers()
        family = [one.pid for one in processes.descendants(self.pid)]
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"not stopped within {within} s") from None
        self._stopped = True
        Lambdapool.running.pop(self.pid, None)
        # A worker that was not reaped would be a zombie of ours now. What a lambda has forked and not
        # reaped itself ends as one: that is for the init process, and here for `end_orphans`.
        left = [pid for pid in workers if processes.stat(pid)]
        left += [pid for pid in family if processes.exists(pid)]
        left += processes.end_orphans(Lambdapool.running)
        if self.log is not None:
            self.log.join()
        assert code == status, f"exit status {code}; the log ends with {self.log and self.log.lines[-5:]}"
        assert not left, f"left behind: {left}"
        self._reader.join(5)
        assert not self._reader.is_alive(), "its standard output is still open"
        self._check_log()

    def kill(self) -> None:
        """Ends it at once and everything it started, without asking how it is."""
        self._stopped = True
        self.process.kill()
        self.process.wait()
        Lambdapool.running.pop(self.pid, None)
        processes.end_orphans(Lambdapool.running)


def end_all() -> None:
    for server in list(Lambdapool.running.values()):
        server.kill()
