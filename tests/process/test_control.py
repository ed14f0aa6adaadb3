"""The control socket: who may use it, what it says, what it does, and what it does not mind."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from support import processes
from support.control import Control, command, connections, status_of
from support.http_client import request_bytes
from support.lambdapool import LAMBDAS, PROGRAMS, environment, run, sanitized
from support.wait import eventually

VERSION = """
async def main(request):
    return {"version": NUMBER}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture
def steered(serve, path):
    """A server with its socket in a place of the test's own."""

    def start(name="sleeper", *arguments, settings=None, **keywords):
        return serve(name, *arguments, settings={"control.socket": path, **(settings or {})}, **keywords)

    return start


# ---------------------------------------------------------------------- the socket


def test_the_socket_is_its_owners_alone_and_goes_with_the_supervisor(steered, path):
    server = steered()

    found = path.lstat()
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_uid == os.geteuid()
    assert os.listdir(path.parent) == [path.name]

    server.stop()
    assert not path.exists()


def test_the_socket_of_a_killed_supervisor_is_replaced(steered, path):
    first = steered()
    first.kill()
    assert path.exists()

    second = steered()

    assert status_of(path)["pid"] == second.pid


def test_the_socket_of_a_living_supervisor_is_an_error_that_names_it(steered, path):
    server = steered()

    second = run("serve", server.path, "--port", "0", "--set", f"control.socket={path}")

    assert second.returncode == 1
    assert f"cannot listen on {path}: a running program listens there" in second.stderr
    assert status_of(path)["pid"] == server.pid


def test_a_place_that_cannot_be_is_an_error_when_it_was_asked_for(steered, tmp_path):
    for place, status, text in (
        (tmp_path / "none" / "s.sock", 1, "No such file or directory"),
        (tmp_path, 1, "no socket"),
        ("/" + "x" * 108, 78, "107"),
    ):
        failed = run("serve", LAMBDAS / "echo", "--port", "0", "--set", f"control.socket={place}")
        assert failed.returncode == status
        assert text in failed.stderr, failed.stderr


def test_a_default_place_that_cannot_be_is_a_warning(serve, tmp_path):
    folder = tmp_path / "runtime"
    folder.write_text("no folder")

    server = serve("echo", extra_environment={"XDG_RUNTIME_DIR": str(folder)})

    (warning,) = server.log.find("^there is no control socket")
    assert warning.level == "warning"
    assert server.post({}).status == 200


def test_a_default_folder_that_others_can_write_is_not_used(serve, tmp_path):
    folder = tmp_path / "lambdapool"
    folder.mkdir()
    folder.chmod(0o777)

    server = serve("echo", extra_environment={"XDG_RUNTIME_DIR": str(tmp_path)})

    (warning,) = server.log.find("^there is no control socket")
    assert "0700" in warning["text"]
    assert os.listdir(folder) == []


def test_it_can_be_switched_off(serve, tmp_path):
    server = serve("echo", settings={"control.enabled": "false"}, extra_environment={"XDG_RUNTIME_DIR": str(tmp_path)})

    assert os.listdir(tmp_path) == []
    assert not server.log.find("control socket")


def test_a_command_finds_the_one_supervisor_there_is(serve, tmp_path):
    where = {"XDG_RUNTIME_DIR": str(tmp_path)}

    def ask():
        return subprocess.run(
            [PROGRAMS / "lambdapool", "status"], env=environment(where), capture_output=True, text=True, timeout=20
        )

    none = ask()
    assert none.returncode == 1
    assert "no supervisor of this user is running" in none.stderr

    first = serve("echo", extra_environment=where)
    one = ask()
    assert one.returncode == 0, one.stderr
    assert f"pid {first.pid}" in one.stdout

    second = serve("echo", extra_environment=where)
    two = ask()
    assert two.returncode == 1
    for server in (first, second):
        assert f"--socket {tmp_path}/lambdapool/{server.address[1]}.sock" in two.stderr

    second.kill()
    assert ask().returncode == 0, "a dead one's file does not count"


def test_another_user_is_refused(steered, path, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    server = steered()
    for folder in [tmp_path, *tmp_path.parents]:
        if folder != Path("/") and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)

    def as_nobody(*arguments):
        return subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *arguments],
            capture_output=True,
            text=True,
            timeout=20,
        )

    # By the file's mode.
    closed = as_nobody(PROGRAMS / "lambdapool", "status", "--socket", path)
    assert closed.returncode == 1
    assert "no permission" in closed.stderr

    # By the kernel's word, should the mode ever be opened.
    path.chmod(0o666)
    told = as_nobody(
        sys.executable,
        "-c",
        # It may have been refused before it has asked.
        f"""import contextlib, socket
s = socket.socket(socket.AF_UNIX); s.connect({str(path)!r})
with contextlib.suppress(OSError): s.sendall(b'{{"command": "stop"}}\\n')
print(s.recv(4096).decode())""",
    )
    assert "only the user who runs this supervisor, and root" in told.stdout, told
    (warning,) = server.log.wait_for("^control socket refused a user$", uid=65534)
    assert warning.level == "warning"
    assert server.post({}).status == 200


# ---------------------------------------------------------------------- the commands


def test_status_tells_what_workers_do(steered, path):
    server = steered(workers=2)
    connection = server.connect()
    rid = "1700000000,b0e53ae4-5d48-4a6b-8c8b-6f4a6f4f2f11"
    connection.send(request_bytes(json_body={"seconds": 60}, headers={"Luna-Request-Id": rid}))
    server.log.wait_for("^begun$", request_id=rid)
    server.post({})

    with Control(path) as control:
        status = control.result("status")

    assert status["pid"] == server.pid
    assert status["state"] == "serving" and status["ready"] is True and status["reasons"] == []
    assert status["generation"] == 1
    assert status["tasks"] is None
    assert f"id          {status['lambda']['id']}\n" in command(path, "status").stdout
    assert status["lambda"]["name"] == "sleeper" and status["lambda"]["type"] == "standalone"
    assert status["config"] is None
    assert status["address"].endswith(f":{server.address[1]}")
    assert status["queue"] == {"length": 0, "limit": 1024, "oldest_s": 0}
    assert status["totals"]["requests"] == 1
    assert status["totals"]["responses"]["2xx"] == 1
    assert [worker["pid"] for worker in status["workers"]] == [int(pid) for pid in server.workers()]
    assert sum(worker["served"] for worker in status["workers"]) == 1
    (busy,) = [worker for worker in status["workers"] if worker["in_flight"]]
    (request,) = busy["requests"]
    assert request["id"] == rid and request["begun"] is True and 0 <= request["age_s"] < 30
    for worker in status["workers"]:
        assert worker["state"] == "ready" and worker["generation"] == 1
        assert worker["rss"] > 5_000_000 and worker["cpu_s"] >= 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", worker["started"])
        assert worker["last_exit"] is None and worker["exits"] == {}
    connection.close()
    server.log.wait_for("^cancelled$")


def test_status_counts_tasks(steered, path, tmp_path):
    gate = tmp_path / "gate"
    server = steered("tasks_wait", settings={"tasks.database": tmp_path / "tasks.sqlite", "tasks.at_once": 1})
    none = {"waiting": 0, "running": 0, "limit": 10000, "finished": 0, "failed": 0, "cancelled": 0}
    assert status_of(path)["tasks"] == none
    held = {"content": {"parts": [{"gate": str(gate)}]}}
    for _ in range(3):
        assert server.request("POST", "/tasks", json_body=held).status == 202
    assert server.post({"task_id": 1, "content": {"parts": []}}).status == 200
    assert server.post({"task_id": 1, "content": {}}).status == 500
    assert server.request("DELETE", "/tasks/3").status == 204
    server.allow("^LambdaTask", "^traceback", "failed")

    assert status_of(path)["tasks"] == {**none, "waiting": 1, "running": 1, "finished": 1, "failed": 1, "cancelled": 1}
    shown = command(path, "status").stdout
    assert "tasks       1 waiting of 10000, 1 running; since the start 1 finished, 1 failed, 1 cancelled\n" in shown
    gate.touch()
    eventually(lambda: status_of(path)["tasks"]["finished"] == 3)


def test_status_tells_how_workers_ended(steered, path):
    server = steered("segfault")
    before = server.worker()
    assert server.post({}).status == 500
    server.wait_for_replacement_of(before)
    server.allow("^worker died$", "^traceback$")

    status = eventually(lambda: (found := status_of(path))["ready"] and found)

    (worker,) = status["workers"]
    assert worker["exits"] == {"crashed": 1}
    assert worker["last_exit"]["cause"] == "crashed"
    assert "SIGSEGV" in worker["last_exit"]["text"]
    assert status["exits"] == {"crashed": 1}
    assert status["totals"]["failures"] == {"worker_crashed": 1}


def test_status_tells_of_those_that_wait(steered, path):
    server = steered(settings={"pool.concurrency": 1, "pool.queue_timeout": "30s"})
    first = server.begin(seconds=60)
    second = server.connect()
    second.send(request_bytes(json_body={}))

    status = eventually(lambda: (found := status_of(path))["queue"]["length"] == 1 and found)

    assert status["queue"]["oldest_s"] >= 0
    first.close()
    assert second.receive().status == 200
    second.close()


def test_status_names_the_config_file(serve, path, tmp_path):
    file = tmp_path / "pool.yml"
    file.write_text(f"control:\n  socket: {path}\n")

    serve("echo", "--config", str(file))

    assert status_of(path)["config"] == str(file)


def test_scale_changes_the_number_of_workers(steered, path):
    server = steered()

    with Control(path) as control:
        assert control.result("scale", workers=3) == {"workers": 3, "before": 1}
        server.wait_for_workers(3)
        assert control.result("scale", workers=1) == {"workers": 1, "before": 3}
        server.wait_for_workers(1)
        for workers in (0, 1025, "2", None):
            assert "from 1 to 1024" in control.error("scale", workers=workers)


def test_reload_answers_when_the_new_lambda_serves(steered, path, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    server = steered(folder, workers=2)
    (folder / "lambda_main.py").write_text(VERSION.replace("NUMBER", "2"))

    with Control(path) as control:
        assert control.result("reload")["generation"] == 2

    assert server.post({}).json() == {"version": 2}
    assert status_of(path)["generation"] == 2


def test_reload_says_why_it_failed(steered, path, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    server = steered(folder)
    (folder / "lambda_main.py").write_text("def main(:\n")

    failed = command(path, "reload")

    assert failed.returncode == 1
    assert "lambda_main.py" in failed.stderr and failed.stdout == ""
    assert server.post({}).json() == {"version": 1}
    server.allow("^reload failed", "^lambda does not start$", "^traceback$", "^worker died$")


def test_two_reloads_at_a_time_both_get_their_answer(steered, path, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    steered(folder)

    with connections(path, 3) as controls:
        for control in controls:
            control.send(b'{"command": "reload"}\n')
        answers = [control.line() for control in controls]

    # The second and the third share the one that follows the first.
    assert sorted(answer["result"]["generation"] for answer in answers) == [2, 3, 3]


def test_a_client_that_leaves_during_a_reload_is_not_missed(steered, path, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    server = steered(folder)
    with Control(path) as control:
        control.send(b'{"command": "reload"}\n')
        server.log.wait_for("^reloading$")

    server.log.wait_for("^reloaded$")

    assert status_of(path)["generation"] == 2


def test_stop_drains_and_the_socket_answers_meanwhile(steered, path):
    server = steered()
    connection = server.begin(seconds=3)

    stopping = subprocess.Popen([PROGRAMS / "lambdapool", "stop", "--socket", path], stdout=subprocess.PIPE, text=True)
    status = eventually(lambda: (found := status_of(path))["state"] == "draining" and found)
    assert status["ready"] is False
    assert [reason["reason"] for reason in status["reasons"]] == ["draining"]
    with Control(path) as control:
        assert "stopping" in control.error("reload")
        assert "stopping" in control.error("scale", workers=2)
        assert "stop --now" in control.error("stop")
    assert stopping.poll() is None, "it waits for the end"

    assert connection.receive().status == 200
    connection.close()
    out, _ = stopping.communicate(timeout=20)
    assert (stopping.returncode, out) == (0, "stopped\n")
    server.wait_for_exit()


def test_stop_now_does_not_wait(steered, path):
    server = steered()
    connection = server.begin(seconds=60)

    stopped = command(path, "stop", "--now")

    assert stopped.returncode == 0
    connection.ends()
    connection.close()
    server.wait_for_exit()


def test_stop_ends_a_reload_with_an_answer(steered, path, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    server = steered(folder)
    (folder / "lambda_main.py").write_text(
        "import time\n\nclass UserCtx:\n    async def onStart(self):\n        time.sleep(60)\n\n\nasync def main(request):\n    pass\n"
    )
    with connections(path, 2) as (reloading, stopping):
        reloading.send(b'{"command": "reload"}\n')
        server.log.wait_for("^worker started$", count=2)
        stopping.result("stop")
        answer = reloading.line()

    assert answer == {"ok": False, "error": "the supervisor was told to stop"}
    server.wait_for_exit()


def test_log_level_is_changed_while_it_runs(steered, path):
    server = steered()

    assert command(path, "log-level", "error").stdout == "log level: info -> error\n"
    mark = server.log.mark()
    server.post({})
    assert command(path, "log-level", "info").stdout == "log level: error -> info\n"
    server.post({})
    server.log.wait_for("^request$", since=mark)

    assert len(server.log.find("^request$", since=mark)) == 1
    assert command(path, "log-level", "loud").returncode == 2


def test_log_level_reaches_running_workers_at_once(steered, path):
    server = steered("logs", workers=2)
    workers = server.workers()
    hidden = server.log.mark()
    server.post({"name": "before"})
    server.log.wait_for("^before: own$", since=hidden)
    assert server.log.find("debug$", since=hidden) == []

    command(path, "log-level", "debug")

    for name in ("a", "b", "c"):
        mark = server.log.mark()
        server.post({"name": name})
        server.log.wait_for(f"^{name}: debug$", since=mark)
    assert server.workers() == workers


def test_quarantine_is_listed_and_cleared(steered, path):
    server = steered("segfault", settings={"quarantine.deaths": 1})
    server.allow("^worker died$", "^traceback$", "^a request is quarantined")
    before = server.worker()
    assert command(path, "quarantine", "list").stdout == "no request has ended a worker lately\n"
    rid = "1700000000,b0e53ae4-5d48-4a6b-8c8b-6f4a6f4f2f11"
    server.post({"a": 1}, headers={"Luna-Request-Id": rid})
    server.wait_for_replacement_of(before)

    with Control(path) as control:
        (entry,) = control.result("quarantine list")
    assert entry["method"] == "POST" and entry["target"] == "/main" and entry["deaths"] == 1
    assert entry["isolated"] is True and 0 < entry["left_s"] <= 600 and entry["request_id"] == rid
    table = command(path, "quarantine", "list").stdout
    assert "METHOD" in table and "/main" in table and "quarantined" in table and rid in table

    assert command(path, "quarantine", "clear").stdout == "cleared: 1\n"
    with Control(path) as control:
        assert control.result("quarantine list") == []
    assert command(path, "quarantine", "what").returncode == 2


def test_stacks_show_where_every_worker_is_also_one_that_is_blocked(steered, path):
    server = steered("blocks_loop", workers=2)
    with server.connect(timeout=30) as connection:
        connection.send(request_bytes(json_body={"block": 6}))
        server.log.wait_for("^begun$")

        shown = command(path, "stacks")
        with Control(path) as control:
            stacks = control.result("stacks")

        assert shown.returncode == 0, shown.stderr
        assert "wait_for_the_world" in shown.stdout
        assert sorted(one["pid"] for one in stacks) == server.workers()
        (blocked,) = [one for one in stacks if "wait_for_the_world" in one["threads"]]
        assert f"worker {blocked['worker']}, pid {blocked['pid']}" in shown.stdout
        assert connection.receive(within=30).status == 200


# ---------------------------------------------------------------------- what people see


def test_the_table_is_aligned_and_json_is_the_answer_as_it_is(steered, path):
    server = steered(workers=2)

    text = command(path, "status").stdout
    assert "\t" not in text
    assert f"pid {server.pid}" in text
    lines = text.splitlines()
    (head,) = [number for number, line in enumerate(lines) if line.startswith("WORKER")]
    rows = lines[head + 1 : head + 3]
    end = lines[head].index("PID") + 3
    assert [int(row[:end].split()[1]) for row in rows] == server.workers()
    assert all(row[end : end + 2] == "  " for row in rows), "the numbers stand to the right"
    assert re.search(r"\d MiB", rows[0])

    raw = command(path, "status", "--json").stdout
    assert raw.count("\n") == 1
    assert json.loads(raw)["result"]["pid"] == server.pid


def test_check_says_whether_it_is_ready(steered, path):
    server = steered()
    assert (command(path, "status", "--check").returncode, command(path, "status", "--check").stdout) == (0, "")
    connection = server.begin(seconds=3)
    server.send_signal(signal.SIGTERM)

    drained = eventually(lambda: (found := command(path, "status", "--check")).returncode == 1 and found)

    assert "not ready: draining" in drained.stderr
    assert connection.receive().status == 200
    connection.close()
    server.wait_for_exit()


def test_watch_refreshes_in_place_on_a_terminal(steered, path):
    server = steered()
    terminal, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 60, 0, 0))
    watching = subprocess.Popen(
        [PROGRAMS / "lambdapool", "status", "--socket", path, "--watch", "--interval", "100ms"], stdout=side
    )
    os.close(side)
    shown = b""

    def read_until(condition):
        nonlocal shown
        deadline = time.monotonic() + 20
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, shown[-2000:]
            if select.select([terminal], [], [], left)[0]:
                shown += os.read(terminal, 65536)

    read_until(lambda: shown.count(b"\x1b[H") >= 3)
    screens = shown.split(b"\x1b[H")[1:-1]
    for screen in screens:
        lines = screen.replace(b"\x1b[K", b"").replace(b"\x1b[J", b"").decode().split("\r\n")
        assert len(lines) <= 30 and all(len(line) <= 60 for line in lines), lines
        assert any(line.startswith("lambda ") for line in lines)
    server.expected_workers = 3
    command(path, "scale", "3")
    shown = b""
    read_until(lambda: re.search(rb"\r\n +3 +\d", shown))

    server.send_signal(signal.SIGTERM)
    assert watching.wait(20) == 1, "the supervisor's end ends it"
    os.close(terminal)


def test_commands_that_are_called_in_a_wrong_way_exit_with_2(path):
    for arguments in (
        ["scale"],
        ["scale", "0"],
        ["scale", "1025"],
        ["scale", "two"],
        ["scale", "2", "3"],
        ["status", "--wach"],
        ["status", "--interval", "1s"],
        ["status", "--watch", "--interval", "1"],
        ["status", "--watch", "--interval", "99ms"],
        ["log-level"],
        ["quarantine"],
        ["stop", "extra"],
        ["status", "--socket"],
    ):
        wrong = run(*arguments)
        assert wrong.returncode == 2, arguments
        assert wrong.stderr.startswith("lambdapool: "), wrong.stderr
        assert f"Try `lambdapool {arguments[0]} --help`" in wrong.stderr or arguments == ["status", "--socket"]


def test_each_command_has_a_help(path):
    for name in ("status", "scale", "reload", "stop", "stacks", "quarantine", "log-level"):
        help_text = run(name, "--help")
        assert help_text.returncode == 0
        assert f"lambdapool {name}" in help_text.stdout and "Exits with 0" in help_text.stdout
        assert name in run("--help").stdout


@pytest.mark.parametrize("arguments", [("status", "--check"), ("status", "--json"), ("stop",), ("reload",), ("stacks",)])
def test_a_stopped_supervisor_is_not_waited_for_long(steered, path, arguments):
    server = steered()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        told = command(path, *arguments, "--timeout", "200ms")
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == (
        f"lambdapool: no answer from {path} within 200ms: the supervisor (pid {server.pid}) is stopped; "
        f"`kill -CONT {server.pid}` lets it go on, and then it may still do what was asked\n"
    )
    if arguments == ("stop",):
        server.wait_for_exit()


@pytest.mark.parametrize("time", ["0s", "5", "soon"])
def test_a_timeout_is_a_time(path, time):
    told = command(path, "status", "--timeout", time)
    assert told.returncode == 2
    assert "--timeout must be a time of at least 1ms, as in 2s" in told.stderr


def test_what_is_no_supervisor_is_told_with_a_remedy(path, tmp_path):
    assert "there is no such file" in command(path, "status").stderr
    path.write_text("no socket")
    assert "is not the control socket of a supervisor" in command(path, "status").stderr
    path.unlink()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        # Bound, but nobody listens.
        refused = command(path, "status")
    assert refused.returncode == 1 and "has ended" in refused.stderr
    path.unlink()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"{}\n", b"[1]\n", b"\xff\xfe\n", b""])
def test_another_programs_answer_is_not_believed(path, answer):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        asking = subprocess.Popen(
            [PROGRAMS / "lambdapool", "status", "--socket", path], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        client, _ = other.accept()
        client.recv(4096)
        client.sendall(answer)
        client.close()
        out, err = asking.communicate(timeout=20)

    assert asking.returncode == 1 and out == ""
    assert "is no lambdapool supervisor" in err or "without an answer" in err, err


# ---------------------------------------------------------------------- hostile clients


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"status",
        b"\x00\xff\xfe\x80",
        b"[" * 4000,
        b'{"command": "status", "command": 1}',
        b'{"command": {"a": []}}',
        b'{"command": "statu"}',
        b'{"command": "reload", "now": true}',
        b"GET / HTTP/1.1\r",
        b'"' + b"\\" * 3999 + b'"',
    ],
)
def test_a_bad_line_is_refused_and_the_next_one_is_answered(steered_module, line):
    server, path = steered_module
    with Control(path) as control:
        control.send(line + b"\n")
        assert control.line()["ok"] is False
        assert control.result("status")["pid"] == server.pid


def test_a_line_that_is_too_long_ends_the_connection(steered_module):
    server, path = steered_module
    longest = b'{"command": "status"}'.ljust(4096)
    with Control(path) as control:
        control.send(longest + b"\n")
        assert control.line()["ok"] is True
        control.send(longest + b" ")
        assert "4096 bytes" in control.line()["error"]
        assert control.line() is None


def test_bytes_in_any_pieces_are_one_request(steered_module):
    server, path = steered_module
    with Control(path) as control:
        for byte in b'{"command": "status"}\n':
            control.send(bytes([byte]))
        assert control.line()["ok"] is True


def test_many_requests_at_once_are_answered_in_order(steered_module):
    server, path = steered_module
    with Control(path) as control:
        control.send(b'{"command": "status"}\nnonsense\n' * 200)
        assert [control.line()["ok"] for _ in range(400)] == [True, False] * 200


def test_a_client_that_does_not_read_does_not_fill_the_memory(steered_module):
    server, path = steered_module
    before = server.resident_bytes()
    with Control(path, timeout=2) as control:
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 200_000_000:
                control.socket.sendall(b'{"command": "status"}\n' * 1000)
                sent += 22_000
        assert status_of(path)["pid"] == server.pid
        assert server.resident_bytes() - before < 20_000_000


def test_a_half_closed_client_gets_its_answer(steered_module):
    server, path = steered_module
    with Control(path) as control:
        control.send(b'{"command": "status"}\n')
        control.socket.shutdown(socket.SHUT_WR)
        assert control.line()["ok"] is True
        assert control.line() is None


def test_more_connections_than_there_may_be_are_told_so(steered_module):
    server, path = steered_module
    with connections(path, 32) as controls:
        for control in controls:
            assert control.ask("status")["ok"] is True
        with Control(path) as one_more:
            assert "32 connections" in one_more.line()["error"]
            assert one_more.line() is None
        controls[0].socket.close()
        eventually(lambda: status_of(path)["pid"] == server.pid)
        assert server.post({}).status == 200


@pytest.fixture(scope="module")
def module_socket(tmp_path_factory):
    return tmp_path_factory.mktemp("control") / "s.sock"


@pytest.fixture(scope="module")
def module_server(serve_module, module_socket):
    return serve_module("sleeper", settings={"control.socket": module_socket})


@pytest.fixture
def steered_module(module_server, module_socket):
    yield module_server, module_socket
    module_server.check()


def test_a_worker_has_nothing_of_the_socket(steered_module):
    server, path = steered_module
    held = processes.descriptors(server.worker())
    assert not [name for name in held.values() if str(path) in name]


# A day back, as soon as there is the file.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *time) {
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(id, time);
  if (id == CLOCK_REALTIME && access(getenv("CLOCK_BACK"), F_OK) == 0) time->tv_sec -= 86400;
  return result;
}
"""


@pytest.mark.skipif(sanitized(), reason="a sanitizer has to be the first library")
def test_ages_are_true_when_the_time_of_day_was_set_back(steered, path, tmp_path):
    source, library, back = tmp_path / "clock.c", tmp_path / "clock.so", tmp_path / "back"
    source.write_text(CLOCK)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    steered(extra_environment={"LD_PRELOAD": str(library), "CLOCK_BACK": str(back)})
    before = status_of(path)

    back.touch()

    after = status_of(path)
    assert after["started"] == before["started"]
    assert before["age_s"] <= after["age_s"] < before["age_s"] + 60
    assert before["workers"][0]["age_s"] <= after["workers"][0]["age_s"] < before["workers"][0]["age_s"] + 60
