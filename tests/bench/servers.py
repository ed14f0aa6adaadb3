"""The servers that are measured: lambdapool and what one would use instead, from Debian's packages."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "process"))

from support import processes  # noqa: E402

START_BOUND = 30.0
OURS = "lambdapool"
BASELINE = "gunicorn+uvicorn"


def on_one_core() -> list[str]:
    return ["taskset", "-c", str(max(os.sched_getaffinity(0)))]


def check_json(server: "Server", most: int) -> None:
    for count in (0, 1, 2, 100):
        body = json.dumps({"images": ["image"] * count}).encode()
        answer, kind = server.ask("/main", body, "application/json")
        if json.loads(answer).get("image_count") != count or kind != "application/json":
            raise SystemExit(f"{server.name} answers wrongly: {answer!r} as {kind!r}")


def check_bodies(server: "Server", most: int) -> None:
    # Not larger than what is measured: glibc's malloc is never again the same once it has had a large block.
    for count in (0, 1, most):
        length, _ = server.ask("/main", b"x" * count)
        bytes_, _ = server.ask(f"/bytes/{count}")
        if json.loads(length) != {"length": count} or bytes_ != b"x" * count:
            raise SystemExit(f"{server.name} answers wrongly for {count} bytes")


@dataclass(frozen=True)
class Handler:
    """One thing to be served: by which lambda, and by which ASGI application."""

    lambda_folder: str
    asgi: str = "asgi_app:app"
    check: Callable[["Server", int], None] = check_json


HANDLERS = {
    "main": Handler("lambda_main"),
    "sleep": Handler("lambda_sleep"),
    "cpu": Handler("lambda_cpu"),
    "cpu2": Handler("lambda_cpu"),
    "bodies": Handler("lambda_bodies", "bodies_asgi:app", check_bodies),
}


@dataclass(frozen=True)
class Setup:
    """What a server is started with."""

    programs: Path  # The folder of lambdapool.
    handler: str = "main"
    workers: int = 1
    one_core: bool = False
    settings: tuple[str, ...] = ()  # Of lambdapool, as key=value.
    bound: float = START_BOUND  # Seconds until it must be ready.
    most_bytes: int = 0  # Of the bodies that it will have.


class Server:
    """One server that runs and has given right answers. Its own words are in a file of a folder that goes with it."""

    def __init__(self, name: str, setup: Setup, command: list[str], ready: dict[str, int], folder: Path = ROOT) -> None:
        """ready: patterns of what it says when it is, and how often; the one with a group has its address."""
        self.name = name
        self.one_core = setup.one_core
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        self._words = Path(self._folder.name) / "output"
        with self._words.open("wb") as output:
            self.process = subprocess.Popen(
                [*(on_one_core() if setup.one_core else []), *command],
                cwd=folder,
                env={
                    **os.environ,
                    "BENCH_HANDLER": setup.handler,
                    "PYTHONPATH": str(HERE),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self.url = self._wait_until_ready(ready, setup.bound)
            HANDLERS[setup.handler].check(self, setup.most_bytes)
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self, ready: dict[str, int], bound: float) -> str:
        deadline = time.monotonic() + bound
        while True:
            text = self._words.read_text(errors="replace")
            found = {pattern: re.findall(pattern, text) for pattern in ready}
            if all(len(found[pattern]) >= count for pattern, count in ready.items()):
                return next(one[0] for one in found.values() if one[0].startswith("http"))
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.name} is not ready within {bound:.0f} s; it says:\n{text}")
            time.sleep(0.01)

    def ask(self, path: str, body: bytes | None = None, kind: str = "application/octet-stream") -> tuple[bytes, str]:
        """The body and the content type of a 200."""
        request = urllib.request.Request(self.url + path, data=body, headers={"Content-Type": kind})
        deadline = time.monotonic() + START_BOUND
        while True:
            try:
                with urllib.request.urlopen(request, timeout=START_BOUND) as response:
                    return response.read(), response.headers["Content-Type"]
            except (ConnectionError, urllib.error.URLError) as error:  # Some listen before their worker is there.
                over = self.process.poll() is not None or time.monotonic() > deadline
                if isinstance(error, urllib.error.HTTPError) or over:
                    raise SystemExit(f"{self.name} does not answer {path}: {error}") from None
                time.sleep(0.01)

    def pids(self) -> list[int]:
        return [self.process.pid, *(one.pid for one in processes.descendants(self.process.pid))]

    def cpu_seconds(self) -> tuple[float, float]:
        """Of the first process, and of all that it has started."""
        first = processes.stat(self.process.pid)
        assert first is not None
        return first.cpu_seconds, sum(one.cpu_seconds for one in processes.descendants(first.pid))

    def forget_peaks(self) -> None:
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def resident_bytes(self, peak: bool = False) -> list[int]:
        """Of each process, the first one first; shared pages count in each."""
        field = "VmHWM" if peak else "VmRSS"
        sizes = []
        for pid in self.pids():
            found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
            sizes.append(int(found[1]) * 1024 if found else 0)
        return sizes

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._folder.cleanup()


def lambdapool(setup: Setup) -> Server:
    folder = HERE / HANDLERS[setup.handler].lambda_folder
    command = [str(setup.programs / "lambdapool"), "serve", str(folder), "--port", "0", "--workers", str(setup.workers)]
    for setting in ("log.access=false", *setup.settings):
        command += ["--set", setting]
    return Server(OURS, setup, command, {r"listening on (http://\S+)": 1, "worker ready": setup.workers})


def _gunicorn(name: str, setup: Setup, worker_class: str, app: str, ready: str) -> Server:
    command = ["/usr/bin/python3", "-m", "gunicorn", "--worker-class", worker_class, "--workers", str(setup.workers)]
    command += ["--bind", "127.0.0.1:0", "--keep-alive", "75", "--backlog", "4096", app]
    return Server(name, setup, command, {r"Listening at: (http://[0-9.:]+)": 1, ready: setup.workers}, HERE)


def uvicorn(setup: Setup) -> Server:
    app = HANDLERS[setup.handler].asgi
    server = _gunicorn(BASELINE, setup, "uvicorn.workers.UvicornWorker", app, "Application startup complete")
    facts = json.loads(server.ask("/facts")[0])
    if facts["loop"] != "uvloop" or "httptools" not in facts["parser"]:
        server.stop()
        raise SystemExit(f"{BASELINE} runs without uvloop or httptools, which would flatter us: {facts}")
    return server


def aiohttp(setup: Setup) -> Server:
    return _gunicorn("gunicorn+aiohttp", setup, "aiohttp.GunicornUVLoopWebWorker", "aiohttp_app:app", "Booting worker")


def uwsgi(setup: Setup) -> Server:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = ["uwsgi-core", "--plugins", "http,python3", "--master", "--processes", str(setup.workers)]
    command += ["--http", address, "--http-keepalive=75", "--add-header", "Connection: Keep-Alive"]
    command += ["--socket", "127.0.0.1:0", "--listen", "128", "--disable-logging", "--die-on-term", "--need-app"]
    command += ["--single-interpreter", "--wsgi-file", str(HERE / "wsgi_app.py")]
    command = ["/bin/sh", "-c", f'echo "http://{address}"; exec "$@"', "uwsgi", *command]
    ready = {rf"^(http://{address})": 1, r"spawned uWSGI worker \d": setup.workers}
    return Server("uwsgi", setup, command, ready, HERE)


@dataclass(frozen=True)
class Peer:
    start: Callable[[Setup], Server]
    packages: tuple[str, ...]  # Debian's, without which it is not what it should be.


PEERS = {
    OURS: Peer(lambdapool, ()),
    BASELINE: Peer(uvicorn, ("gunicorn", "python3-uvicorn", "python3-uvloop", "python3-httptools")),
    "uwsgi": Peer(uwsgi, ("uwsgi-core", "uwsgi-plugin-python3")),
    "gunicorn+aiohttp": Peer(aiohttp, ("gunicorn", "python3-aiohttp", "python3-uvloop")),
}


def package_version(name: str) -> str | None:
    """None when the package is not installed."""
    if shutil.which("dpkg-query") is None:
        return None
    command = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", name]
    status, _, version = subprocess.run(command, capture_output=True, text=True).stdout.partition(" ")
    return version if status == "installed" else None


def missing_packages(name: str) -> list[str]:
    return [each for each in PEERS[name].packages if package_version(each) is None]
