"""The admin listener: what it says in every state of the pool, and what it does not mind."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from support.control import Control
from support.http_client import request_bytes
from support.lambdapool import LAMBDAS, PROGRAMS, environment, run
from support.wait import eventually


class Admin:
    """Asks an admin listener at a unix socket or a TCP address, each time on a new connection."""

    def __init__(self, where):
        self.where = where

    def connect(self, timeout=10.0):
        made = socket.socket(socket.AF_INET if isinstance(self.where, tuple) else socket.AF_UNIX)
        made.settimeout(timeout)
        made.connect(self.where if isinstance(self.where, tuple) else str(self.where))
        return made

    def exchange(self, data):
        with self.connect() as made:
            made.sendall(data)
            answer = b""
            while more := made.recv(65536):
                answer += more
        return answer

    def get(self, path, method="GET"):
        answer = self.exchange(f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), body

    def ready(self):
        status, _, body = self.get("/readyz")
        answer = json.loads(body)
        assert (status == 200) is answer["ready"] is (answer["reasons"] == [])
        assert status in (200, 503)
        return [reason["reason"] for reason in answer["reasons"]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "admin.sock"


@pytest.fixture
def admin(path: Path) -> Admin:
    return Admin(path)


@pytest.fixture
def watched(serve, path):
    def start(name="sleeper", *arguments, settings=None, **keywords):
        return serve(name, *arguments, settings={"admin.listen": f"unix:{path}", **(settings or {})}, **keywords)

    return start


def test_a_unix_socket_is_for_its_group_as_well_and_goes_at_the_end(watched, path):
    server = watched()
    assert stat.S_IMODE(path.lstat().st_mode) == 0o660

    server.stop()
    assert not path.exists()


def test_each_page_of_a_pool_that_is_well(watched, admin):
    server = watched()

    status, head, body = admin.get("/livez")
    assert status == 200 and json.loads(body) == {"live": True}
    assert admin.ready() == []
    status, head, body = admin.get("/status")
    assert status == 200 and "Content-Type: application/json" in head
    assert json.loads(body)["pid"] == server.pid
    status, head, body = admin.get("/metrics")
    assert status == 200 and "Content-Type: text/plain; version=0.0.4" in head
    assert b'lambdapool_workers{state="ready"} 1' in body


def test_metrics_are_there_when_the_public_ones_are_off(watched, admin):
    server = watched(settings={"metrics.enabled": "false"})

    assert admin.get("/metrics")[0] == 200
    assert server.request("GET", "/metrics").status == 404


def test_head_has_no_body_and_other_methods_are_refused(watched, admin):
    watched()

    status, _, body = admin.get("/readyz", "HEAD")
    assert (status, body) == (200, b"")
    status, head, _ = admin.get("/livez", "POST")
    assert status == 405 and "Allow: GET, HEAD" in head
    status, _, body = admin.get("/main")
    assert status == 404 and b"/readyz" in body


def test_a_tcp_address_with_a_port_that_is_picked(serve):
    server = serve("echo", settings={"admin.listen": "127.0.0.1:0"})
    (record,) = server.log.find("^admin listener$")
    port = int(record["address"].rsplit(":", 1)[1])

    assert Admin(("127.0.0.1", port)).ready() == []
    # What is public does not answer it.
    assert server.request("GET", "/livez").status == 404


def test_an_address_that_cannot_be_ends_the_start(serve, path, tmp_path):
    lambda_path = Path(__file__).resolve().parents[1] / "lambdas" / "echo"

    def start(listen):
        return run("serve", lambda_path, "--port", "0", "--set", f"admin.listen={listen}")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        failed = start(f"127.0.0.1:{port}")
    assert failed.returncode == 1
    assert f"127.0.0.1:{port}" in failed.stderr and "admin.listen" in failed.stderr
    for listen in ("9100", "unix:relative", "host:99999", ":80"):
        failed = start(listen)
        assert failed.returncode == 78 and failed.stderr.startswith(f"--set admin.listen={listen}: "), failed.stderr
    failed = start(f"unix:{tmp_path}/none/a.sock")
    assert failed.returncode == 1 and "No such file or directory" in failed.stderr


@contextlib.contextmanager
def starting(path, folder, *arguments):
    """A server whose first worker is not ready yet."""
    server = subprocess.Popen(
        [PROGRAMS / "lambdapool", "serve", folder, "--port", "0", "--set", f"admin.listen=unix:{path}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        text=True,
    )
    try:
        yield server
    finally:
        server.kill()
        server.communicate()


def gate(make_lambda, tmp_path, name="gated"):
    """A lambda whose onStart waits until the file `open` is there."""
    return make_lambda(
        f"""
        import asyncio, pathlib

        class UserCtx:
            async def onStart(self):
                while not pathlib.Path({str(tmp_path / "open")!r}).exists():
                    await asyncio.sleep(0.01)

        async def main(request):
            return 1
        """,
        name=name,
    )


def test_it_answers_before_the_first_worker_is_ready(make_lambda, tmp_path, path, admin):
    with starting(path, gate(make_lambda, tmp_path)) as server:
        eventually(path.exists, 20)
        assert eventually(admin.ready, 20) == ["starting"]
        assert admin.get("/livez")[0] == 200
        assert admin.get("/metrics")[0] == 200
        assert json.loads(admin.get("/status")[2])["state"] == "starting"

        (tmp_path / "open").touch()
        assert server.stdout.readline().startswith("listening on ")
        assert admin.ready() == []
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


def test_draining_is_told_at_once(watched, admin):
    server = watched()
    connection = server.begin(seconds=3)

    server.send_signal(signal.SIGTERM)

    eventually(lambda: admin.ready() == ["draining"])
    assert admin.get("/livez")[0] == 200
    assert json.loads(admin.get("/status")[2])["state"] == "draining"
    assert connection.receive().status == 200
    connection.close()
    server.wait_for_exit()


def test_a_worker_that_is_being_replaced_is_none(watched, admin, make_lambda, tmp_path):
    (tmp_path / "open").touch()
    server = watched(gate(make_lambda, tmp_path))
    (tmp_path / "open").unlink()
    server.allow("^worker died$", "^traceback$")

    os.kill(server.worker(), signal.SIGKILL)
    eventually(lambda: admin.ready() == ["no_worker"])

    (tmp_path / "open").touch()
    eventually(lambda: admin.ready() == [], 20)


def test_seats_that_wait_are_a_crash_loop(watched, admin, make_lambda, tmp_path):
    (tmp_path / "open").touch()
    folder = make_lambda(
        f"""
        import os, pathlib

        if not pathlib.Path({str(tmp_path / "open")!r}).exists():
            os._exit(3)

        async def main(request):
            return 1
        """
    )
    server = watched(folder, settings={"pool.restart_backoff": "20s", "pool.restart_backoff_max": "20s"})
    server.allow(".*")
    (tmp_path / "open").unlink()
    os.kill(server.worker(), signal.SIGKILL)

    eventually(lambda: admin.ready() == ["no_worker", "crash_loop"], 20)

    (tmp_path / "open").touch()
    with Control(json_socket(admin)) as control:
        control.result("reload")
    eventually(lambda: admin.ready() == [], 20)


def json_socket(admin):
    """The control socket of the server, in its default place."""
    status = json.loads(admin.get("/status")[2])
    port = status["address"].rsplit(":", 1)[1]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return f"{runtime}/lambdapool/{port}.sock" if runtime else f"/tmp/lambdapool-{os.geteuid()}/{port}.sock"


def test_workers_that_die_again_and_again_are_a_crash_loop(watched, admin):
    server = watched("segfault", settings={"admin.crash_loop_deaths": 3, "quarantine.deaths": 0})
    server.allow("^worker died$", "^traceback$")
    for number in range(3):
        assert "crash_loop" not in admin.ready()
        worker = server.worker()
        assert server.post({}).status == 500
        server.wait_for_replacement_of(worker)

    eventually(lambda: admin.ready() == ["crash_loop"])
    assert server.request("GET", "/healthcheck").status == 200, "it is answered all the same"


def test_a_queue_that_is_too_old_is_told(watched, admin):
    server = watched(
        settings={"pool.concurrency": 1, "pool.queue_timeout": "30s", "admin.max_queue_age": "50ms"}
    )
    running = server.begin(seconds=60)
    waiting = server.connect()
    waiting.send(request_bytes(json_body={}))

    eventually(lambda: admin.ready() == ["queue"])

    running.close()
    assert waiting.receive().status == 200
    waiting.close()
    assert admin.ready() == []


def test_it_answers_while_the_only_worker_is_blocked(watched, admin):
    server = watched("blocks_loop")
    with server.connect(timeout=20) as connection:
        connection.send(request_bytes(json_body={"block": 1.5}))
        server.log.wait_for("^begun$")
        assert admin.get("/livez")[0] == 200
        assert admin.get("/status")[0] == 200
        assert connection.receive(within=20).status == 200


def test_many_requests_on_one_connection(watched, admin):
    watched()
    with admin.connect() as made:
        made.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
        answer = b""
        while answer.count(b'{"live":true}') < 100:
            answer += made.recv(65536)
    assert answer.count(b"HTTP/1.1 200 OK") == 100


@pytest.mark.parametrize("data", [b"\x00\xff\r\n\r\n", b"GET /livez\r\n\r\n", b"GET " + b"/" * 5000 + b" HTTP/1.1\r\n\r\n", b"A" * 20000])
def test_hostile_bytes_are_refused(watched, admin, data):
    watched()
    with admin.connect() as made:
        with contextlib.suppress(OSError):
            made.sendall(data)
        assert made.recv(65536)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 414", b"HTTP/1.1 431", b"HTTP/1.1 505")
    assert admin.get("/livez")[0] == 200


def test_a_body_is_neither_needed_nor_kept(watched, admin):
    watched()
    answer = admin.exchange(b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n" + b"x" * 1025)
    assert answer.startswith(b"HTTP/1.1 413")


def test_more_clients_than_there_may_be_are_told_so(watched, admin):
    watched()
    held = [admin.connect() for _ in range(32)]
    for one in held:
        one.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert one.recv(4096).startswith(b"HTTP/1.1 200")
    with admin.connect() as one_more:
        assert one_more.recv(4096).startswith(b"HTTP/1.1 503")
    for one in held:
        one.close()
    eventually(lambda: admin.get("/livez")[0] == 200)


# ---------------------------------------------------------------------- systemd's protocol


class Manager:
    """What systemd is to a service: a socket that is told how it is doing."""

    def __init__(self, path):
        self.path = path
        self.lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        with contextlib.suppress(OSError):
            while data := self._socket.recv(65536):
                self.lines += data.decode().split("\n")

    def variables(self, **more):
        return {"NOTIFY_SOCKET": str(self.path), **more}


def test_systemd_is_told_of_start_reload_and_stop(serve, tmp_path):
    manager = Manager(tmp_path / "notify")
    server = serve("sleeper", extra_environment=manager.variables())
    eventually(lambda: "READY=1" in manager.lines)
    assert "WATCHDOG=1" not in manager.lines

    server.send_signal(signal.SIGHUP)
    eventually(lambda: "RELOADING=1" in manager.lines)
    assert any(line.startswith("MONOTONIC_USEC=") for line in manager.lines)
    server.log.wait_for("^reloaded$")
    eventually(lambda: manager.lines.count("READY=1") == 2)
    server.stop()
    eventually(lambda: "STOPPING=1" in manager.lines)


def test_systemd_is_not_told_of_a_lambda_that_does_not_start(make_lambda, tmp_path):
    manager = Manager(tmp_path / "notify")
    folder = make_lambda("raise ValueError\n")
    failed = subprocess.run(
        [PROGRAMS / "lambdapool", "serve", folder, "--port", "0"],
        env=environment(manager.variables()),
        capture_output=True,
        timeout=20,
    )
    assert failed.returncode == 1
    eventually(lambda: any(line.startswith("STATUS=the lambda does not start: ") for line in manager.lines))
    assert "READY=1" not in manager.lines


def test_systemd_is_told_of_a_mistake_in_the_configuration_and_need_not_try_again(tmp_path):
    manager = Manager(tmp_path / "notify")
    failed = subprocess.run(
        [PROGRAMS / "lambdapool", "serve", LAMBDAS / "echo", "--set", "pool.workers=0", "--set", "server.what=1"],
        env=environment(manager.variables()),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert failed.returncode == 78, "EX_CONFIG, which the unit does not restart after"
    eventually(lambda: manager.lines)
    (status,) = [line for line in manager.lines if line]
    assert status == "STATUS=" + "; ".join(failed.stderr.splitlines())


def test_systemd_is_told_why_there_is_no_port(tmp_path):
    manager = Manager(tmp_path / "notify")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        failed = subprocess.run(
            [PROGRAMS / "lambdapool", "serve", LAMBDAS / "echo", "--port", str(port)],
            env=environment(manager.variables()),
            capture_output=True,
            timeout=20,
        )
    assert failed.returncode == 1
    eventually(lambda: any(re.match(f"STATUS=.*{port}.*in use", line) for line in manager.lines))


def test_the_watchdog_hears_that_the_loop_turns(serve, tmp_path):
    manager = Manager(tmp_path / "notify")
    serve("sleeper", extra_environment=manager.variables(WATCHDOG_USEC="100000"))

    eventually(lambda: manager.lines.count("WATCHDOG=1") >= 4)


def test_a_watchdog_of_another_process_is_left_alone(serve, tmp_path):
    manager = Manager(tmp_path / "notify")
    server = serve("sleeper", extra_environment=manager.variables(WATCHDOG_USEC="20000", WATCHDOG_PID="1"))
    eventually(lambda: "READY=1" in manager.lines)
    server.post({"seconds": 0.2})

    assert "WATCHDOG=1" not in manager.lines


def test_a_lambda_cannot_speak_for_the_supervisor(serve, tmp_path, make_lambda):
    manager = Manager(tmp_path / "notify")
    folder = make_lambda(
        """
        import os

        async def main(request):
            return [name for name in os.environ if name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")]
        """
    )
    server = serve(folder, extra_environment=manager.variables(WATCHDOG_USEC="60000000"))

    assert server.post({}).json() == []
