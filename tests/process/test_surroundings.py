"""What containers and service managers do to a supervisor: few processes, little memory, other users, the journal."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from support import processes
from support.control_group import memory_group
from support.errors import assert_error
from support.http_client import Connection
from support.lambdapool import LAMBDAS, LISTENING, PROGRAMS, Lambdapool, environment, sanitized
from support.wait import eventually

MIB = 1 << 20

# A user that nobody else is, so that nobody else's processes count.
STRANGER = 54321


def as_stranger(*more: str) -> list[str]:
    """The words before a command for that user to run it."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    words = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", *more]
    if subprocess.run([*words, PROGRAMS / "lambdapool", "--version"], capture_output=True).returncode != 0:
        pytest.skip("another user may not run the programs of this build")
    return words


def open_to_all(folder: Path) -> None:
    for one in [folder, *folder.parents]:
        if one not in (Path("/"), Path("/tmp")):
            one.chmod(one.stat().st_mode | 0o055)


# ---------------------------------------------------------------------- few processes


@pytest.mark.parametrize("most", [12, 20])
def test_fewer_processes_than_workers_leave_a_server_that_serves(tmp_path, most):
    open_to_all(tmp_path)
    crashes = tmp_path / "crashes"
    crashes.mkdir()
    crashes.chmod(0o777)
    command = [
        *as_stranger("prlimit", f"--nproc={most}"),
        str(PROGRAMS / "lambdapool"), "serve", str(LAMBDAS / "segfault"), "--port", "0", "--workers", "30",
        "--set", f"crash.folder={crashes}",
    ]  # fmt: skip
    log = tmp_path / "log"
    with log.open("w") as errors, subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment(), cwd="/"
    ) as process:
        try:
            line = process.stdout.readline().rstrip("\n")
            found = LISTENING.match(line)
            assert found, f"{line!r}; the log ends with {log.read_text()[-1500:]}"
            address = (found[1], int(found[2]))
            # Some cannot be had, and the server is told so.
            eventually(lambda: "allow more processes" in log.read_text(), 20)
            with Connection(address, timeout=20) as connection:
                assert_error(connection.request("POST", "/main", json_body={}), 500, 42004, "worker_crashed", "SIGSEGV")
            eventually(lambda: list(crashes.glob("*.json")), 20, "a file about the death")
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0, log.read_text()[-1500:]
        finally:
            process.kill()
    assert processes.end_orphans(Lambdapool.running) == []


def test_too_few_processes_for_the_supervisor_itself_are_told(tmp_path):
    command = [*as_stranger("prlimit", "--nproc=3"), str(PROGRAMS / "lambdapool"), "serve", str(LAMBDAS / "echo")]
    failed = subprocess.run(
        [*command, "--port", "0"], capture_output=True, text=True, env=environment(), cwd="/", timeout=20
    )

    assert failed.returncode == 1, failed
    assert re.search("threads cannot be started: .*; allow more processes", failed.stderr)


# ---------------------------------------------------------------------- little memory


@pytest.mark.skipif(sanitized(), reason="a sanitizer needs more memory than the group has")
def test_a_worker_that_the_kernel_kills_for_want_of_memory_says_so(serve, tmp_path):
    with memory_group(192 * MIB) as prefix:
        server = serve("takes", prefix=prefix, settings={"crash.folder": tmp_path})
        server.allow(".")
        worker = server.worker()

        response = server.post({"take": "keep", "size": 512 * MIB}, timeout=40)

        assert_error(response, 500, 42004, "worker_crashed", "SIGKILL.*out of memory")
        server.wait_for_replacement_of(worker)
        (death,) = server.log.find("^worker died$")
        assert "out of memory" in death["how"]
        assert server.post({"take": "who"}).status == 200
        # One that somebody else kills is no such thing.
        worker = server.worker()
        os.kill(worker, signal.SIGKILL)
        server.wait_for_replacement_of(worker)
        assert "memory" not in server.log.find("^worker died$")[1]["how"]
        server.stop()


# ---------------------------------------------------------------------- other users


@pytest.mark.parametrize("mode", [0o700, 0o711, 0o744])
def test_a_folder_that_the_user_may_not_read_is_named(make_lambda, mode):
    folder = make_lambda("async def main(request):\n    return {}\n")
    open_to_all(folder)
    folder.chmod(mode)
    failed = subprocess.run(
        [*as_stranger(), str(PROGRAMS / "lambdapool"), "serve", str(folder), "--port", "0"],
        capture_output=True, text=True, env=environment(), cwd="/", timeout=20,
    )  # fmt: skip

    assert failed.returncode == 1
    assert failed.stderr.startswith(f"lambdapool: {folder}: Permission denied; it must be readable for user {STRANGER}")


def test_an_archive_that_the_user_may_not_read_is_named(zipped):
    archive = zipped("echo")
    open_to_all(archive.parent)
    archive.chmod(0o600)
    failed = subprocess.run(
        [*as_stranger(), str(PROGRAMS / "lambdapool"), "serve", str(archive), "--port", "0"],
        capture_output=True, text=True, env=environment(), cwd="/", timeout=20,
    )  # fmt: skip

    assert failed.returncode == 1
    assert failed.stderr.startswith(f"lambdapool: {archive}: Permission denied; it must be readable")


def test_a_folder_that_becomes_unreadable_is_named_by_the_reload(make_lambda, serve, tmp_path):
    folder = make_lambda("async def main(request):\n    return {}\n")
    open_to_all(folder)
    server = serve(folder, prefix=as_stranger(), settings={"pool.preload": "off"})
    server.allow("^reload failed", "^worker cannot be ")
    folder.chmod(0o700)
    server.send_signal(signal.SIGHUP)

    (failed,) = server.log.wait_for("^reload failed")
    assert f"{folder}: permission denied" in failed["text"]


def test_a_command_finds_the_socket_of_a_service_of_any_name(serve, tmp_path):
    folder = Path(f"/run/lambdapool@test-{os.getpid()}")
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        pytest.skip(f"needs a folder in /run: {error}")
    try:
        server = serve("echo", extra_environment={"RUNTIME_DIRECTORY": str(folder)})
        asked = subprocess.run(
            [PROGRAMS / "lambdapool", "status"],
            env=environment({"XDG_RUNTIME_DIR": str(tmp_path)}), capture_output=True, text=True, timeout=20,
        )  # fmt: skip
        assert f"pid {server.pid}," in asked.stdout or f"--socket {folder}/control.sock" in asked.stderr, asked
        server.stop()
    finally:
        folder.rmdir()


# ---------------------------------------------------------------------- the journal


def lines_to_the_journal(*arguments: str) -> list[str]:
    """What `serve` writes to a standard error that is the journal's, up to its end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        status = os.fstat(theirs.fileno())
        stream = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        process = subprocess.Popen(
            [PROGRAMS / "lambdapool", "serve", *arguments, "--port", "0"],
            stdout=subprocess.DEVNULL, stderr=theirs, env=environment(stream),
        )  # fmt: skip
        theirs.close()
        ours.settimeout(20)
        text = b""
        try:
            while data := ours.recv(65536):
                text += data
            process.wait(20)
        finally:
            process.kill()
            process.wait()
    return text.decode().splitlines()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_to_the_journal_each_line_says_its_level(make_lambda, log_format):
    folder = make_lambda("import warnings\nprint('a line')\nraise ValueError('two\\nlines')\n")
    lines = lines_to_the_journal(str(folder), "--log-format", log_format)

    assert all(re.match("<[3467]>", line) for line in lines), lines
    assert [line for line in lines if re.match("<6>.*starting", line)]
    assert [line for line in lines if re.match("<3>.*worker died", line)]
    assert lines[-1].startswith("<3>")


def test_a_mistake_in_the_configuration_is_an_error_in_the_journal():
    lines = lines_to_the_journal(str(LAMBDAS / "echo"), "--set", "pool.workers=0")

    assert lines
    assert all(line.startswith("<3>--set pool.workers=0: ") for line in lines), lines


def test_a_standard_error_that_is_not_the_journal_gets_no_levels(serve):
    server = serve("echo", extra_environment={"JOURNAL_STREAM": "1:2"})

    assert not server.log.odd_lines
    assert not [line for line in server.log.lines if line.startswith("<")]
