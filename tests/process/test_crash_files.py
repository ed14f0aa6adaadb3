"""Each death of a worker leaves a file with everything about it, and never too many of them."""

import json
import os
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from support.http_client import request_bytes
from support.wait import eventually

BROKEN = """
def broken():
    raise ValueError("no")

broken()

async def main(request):
    pass
"""

NAME = re.compile(r"crash-\d{8}T\d{6}\.\d{3}Z-worker-\d+-pid-\d+\.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "crashes"


@pytest.fixture
def watched(serve, folder):
    def start(name="segfault", *arguments, settings=None, **keywords):
        server = serve(
            name,
            *arguments,
            settings={"crash.folder": folder, "quarantine.deaths": 0, **(settings or {})},
            **keywords,
        )
        server.allow("^worker died$", "^traceback$")
        return server

    return start


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def die(server, **keywords):
    """One request that kills its worker; waits until another one is ready."""
    mark = server.log.mark()
    assert server.post({}, **keywords).status == 500
    server.log.wait_for("^worker died$", since=mark)
    server.log.wait_for("^worker ready$", since=mark, within=20)


def only_file(folder):
    (found,) = eventually(lambda: files(folder))
    return json.loads(found.read_text())


def test_a_file_tells_everything(watched, folder):
    server = watched(settings={"pool.request_timeout": "7s", "lambda.version": "3"})
    pid = server.worker()
    rid = "1700000000,b0e53ae4-5d48-4a6b-8c8b-6f4a6f4f2f11"

    die(server, headers={"Luna-Request-Id": rid})

    death = only_file(folder)
    assert death["cause"] == "crashed" and death["signal"] == 11 and death["signal_name"] == "SIGSEGV"
    assert death["exit_status"] is None and death["out_of_memory"] is False
    assert "at lambda_main.py:9 in boom" in death["text"]
    assert any("in boom" in line for line in death["traceback"])
    assert death["lambda"]["name"] == "segfault" and death["lambda"]["version"] == "3"
    assert death["lambda"]["generation"] == 1 and death["lambda"]["path"] == str(server.path)
    assert death["worker"]["pid"] == pid and death["worker"]["number"] == 1
    assert death["worker"]["was_ready"] is True and death["worker"]["served"] == 0
    assert death["worker"]["uptime_s"] >= 0
    assert death["in_flight"] == 1
    (request,) = death["requests"]
    assert request["id"] == rid and request["method"] == "POST" and request["path"] == "/main"
    assert request["begun"] is True and request["culprit"] is True and request["fate"] == "failed"
    assert 0 <= request["age_s"] < 60
    assert death["limits"]["pool.request_timeout"] == "7s"


def test_the_log_names_the_file_and_shows_the_last_of_stderr(watched, folder, make_lambda):
    lambda_folder = make_lambda(
        """
        import os, sys

        async def main(request):
            for number in range(30):
                print("last words", number, file=sys.stderr)
            print("x" * 5000, file=sys.stderr, flush=True)
            os.abort()
        """
    )
    server = watched(lambda_folder)

    die(server)

    (found,) = eventually(lambda: files(folder))
    assert NAME.fullmatch(found.name)
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    (record,) = server.log.find("^worker died$")
    assert record["crash_file"] == str(found)
    death = json.loads(found.read_text())
    assert death["stderr"] == [f"last words {number}" for number in range(11, 30)] + ["x" * 1024]
    shown = server.log.find("^stderr before the death$", worker=1)
    assert [one["text"] for one in shown] == death["stderr"]


def test_the_memory_is_what_was_last_seen(watched, folder):
    server = watched("sleeper")
    with server.connect(timeout=20) as connection:
        # It is looked at every second.
        connection.send(request_bytes(json_body={"seconds": 2.5}))
        connection.receive(within=20)
    os.kill(server.worker(), signal.SIGKILL)

    memory = only_file(folder)["worker"]

    assert memory["peak_rss"] >= memory["rss"] > 5_000_000


def test_requests_that_were_not_to_blame_are_told_from_the_culprit(watched, folder, make_lambda):
    lambda_folder = make_lambda(
        """
        import asyncio, os
        from luna_lambda_tools import LambdaUserHandler, logger

        class Waits(LambdaUserHandler):
            route = "/waits"

            async def get(self):
                logger.info("waits")
                if not os.path.exists("died"):
                    await asyncio.sleep(60)
                return self.sendResponse(200, json={})

            async def post(self):
                logger.info("waits")
                await asyncio.sleep(60)

        ROUTES_TO_ADD = [Waits]

        async def main(request):
            open("died", "w").close()
            os._exit(3)
        """
    )
    server = watched(lambda_folder)
    with server.connect(timeout=20) as safe, server.connect(timeout=20) as unsafe:
        safe.send(request_bytes("GET", "/waits"))
        unsafe.send(request_bytes("POST", "/waits", json_body={}))
        server.log.wait_for("^waits$", count=2)

        die(server)

        assert safe.receive("GET").status == 200
        assert unsafe.receive().status == 500
    death = only_file(folder)
    fates = {(one["method"], one["path"]): (one["culprit"], one["fate"]) for one in death["requests"]}
    assert fates == {
        ("GET", "/waits"): (False, "run again"),
        ("POST", "/waits"): (False, "failed"),
        ("POST", "/main"): (True, "failed"),
    }
    assert death["exit_status"] == 3 and death["signal"] is None


def test_a_lambda_that_does_not_start_leaves_its_traceback(serve, folder, make_lambda):
    lambda_folder = make_lambda("async def main(request):\n    return 1\n")
    server = serve(lambda_folder, settings={"crash.folder": folder})
    server.allow(".*")
    (lambda_folder / "lambda_main.py").write_text(BROKEN)
    server.send_signal(signal.SIGHUP)
    server.log.wait_for("^reload failed")

    death = only_file(folder)

    assert death["cause"] == "start_failed" and death["worker"]["was_ready"] is False
    assert "no" in death["text"]
    assert any("in broken" in line for line in death["traceback"])


def test_a_worker_that_is_told_to_stop_leaves_none(watched, folder):
    server = watched("sleeper", workers=2)
    server.send_signal(signal.SIGHUP)
    server.log.wait_for("^reloaded$")

    server.stop()

    assert files(folder) == []


def test_the_oldest_go_when_there_are_too_many(watched, folder):
    server = watched(settings={"crash.keep": 3})
    for _ in range(5):
        die(server)
    died = [record["crash_file"] for record in server.log.find("^worker died$")]
    assert len(died) == 5

    eventually(lambda: [str(file) for file in files(folder)] == died[2:])


def test_the_oldest_go_when_they_take_too_much(watched, folder):
    server = watched(settings={"crash.max_size": "10KiB"})
    for _ in range(6):
        die(server)
    died = [record["crash_file"] for record in server.log.find("^worker died$")]

    eventually(lambda: died[-1] in [str(file) for file in files(folder)])
    found = [str(file) for file in files(folder)]
    assert found == died[-len(found) :] and 1 < len(found) < 6
    assert sum(file.stat().st_size for file in files(folder)) <= 10 << 10


def test_the_last_file_is_there_when_the_supervisor_has_ended(watched, folder):
    server = watched()
    server.post({})
    server.stop()

    assert len(files(folder)) == 1


def test_a_folder_that_cannot_be_is_a_warning(watched, tmp_path):
    server = watched(settings={"crash.folder": tmp_path / "file" / "crashes"})
    # At the start it would be refused.
    (tmp_path / "file").write_text("no folder")

    die(server)
    (warning,) = server.log.wait_for("^crash file cannot be written$")
    die(server)

    assert warning.level == "warning" and "Not a directory" in warning["text"]
    assert len(server.log.find("^crash file cannot be written$")) == 1, "once is enough"


def test_a_full_disk_is_a_warning(watched, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("needs to mount a small disk")
    try:
        (disk / "filling").write_bytes(b"x" * 4096)
        server = watched(settings={"crash.folder": disk})
        die(server)
        (warning,) = server.log.wait_for("^crash file cannot be written$")
        assert "No space left on device" in warning["text"]
        assert sorted(os.listdir(disk)) == ["filling"], "no half of a file"
        (disk / "filling").unlink()
        die(server)
        server.stop()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_under_systemd_they_are_in_its_state_folder(serve, tmp_path):
    server = serve("segfault", extra_environment={"STATE_DIRECTORY": f"{tmp_path}/one:{tmp_path}/two"})
    server.allow("^worker died$", "^traceback$")
    die(server)

    assert len(eventually(lambda: files(tmp_path / "one" / "crashes"))) == 1


def test_without_a_folder_there_are_none(serve):
    server = serve("segfault")
    server.allow("^worker died$", "^traceback$")
    die(server)

    (record,) = server.log.find("^worker died$")
    assert "crash_file" not in record
