"""A new version of the lambda takes over, and nobody notices; a broken one changes nothing."""

import os
import re
import shutil
import signal
import threading
import zipfile
from pathlib import Path

import pytest

from support.errors import assert_error
from support.http_client import Closed
from support.lambdapool import Lambdapool, reads_files_at_each_start
from support.wait import eventually

VERSION = """
import asyncio

async def main(request):
    await asyncio.sleep(0.002)
    return {"version": NUMBER}
"""


def version_of(server: Lambdapool) -> int:
    response = server.post()
    assert response.status == 200, response
    version: int = response.json()["version"]
    return version


def write(folder: Path, source: str) -> None:
    (folder / "lambda_main.py").write_text(source)


def reload(server: Lambdapool, generation: int) -> None:
    server.send_signal(signal.SIGHUP)
    assert server.log is not None
    server.log.wait_for("^reloaded$", generation=generation, within=20)


def test_hup_brings_the_new_version_to_all_workers(serve, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    server = serve(folder, workers=3)
    before = server.workers()
    assert version_of(server) == 1

    write(folder, VERSION.replace("NUMBER", "2"))
    reload(server, 2)

    assert {version_of(server) for _ in range(6)} == {2}
    eventually(lambda: len(server.workers()) == 3 and not set(server.workers()) & set(before))


def test_reloads_under_load_lose_no_request(serve, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    server = serve(folder, workers=2, settings={"log.access": "false"})
    done = threading.Event()
    failures: list[object] = []
    answered = [0] * 8

    def client(number: int) -> None:
        with server.connect(timeout=20) as connection:
            while not done.is_set():
                try:
                    response = connection.request("POST", "/main", json_body={})
                except (Closed, OSError) as error:
                    failures.append(error)
                    return
                if response.status != 200:
                    failures.append(response)
                answered[number] += 1

    clients = [threading.Thread(target=client, args=(number,)) for number in range(len(answered))]
    for one in clients:
        one.start()
    for generation in range(2, 7):
        reload(server, generation)
    done.set()
    for one in clients:
        one.join(20)

    assert not failures, failures[:3]
    assert all(answered)


def test_a_broken_version_changes_nothing_and_the_next_good_one_recovers(serve, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    server = serve(folder, workers=2)
    server.allow("does not start", "worker died", "reload failed", "traceback")
    before = server.workers()

    write(folder, VERSION.replace("NUMBER", "2") + "def broken(:\n")
    server.send_signal(signal.SIGHUP)
    (failed,) = server.log.wait_for("^reload failed", within=20)
    assert re.match(r"lambda_main\.py:\d+: SyntaxError", failed.get("text"))
    assert server.workers() == before
    assert version_of(server) == 1

    write(folder, VERSION.replace("NUMBER", "3"))
    reload(server, 3)
    assert version_of(server) == 3


def test_a_version_whose_on_start_fails_changes_nothing(serve, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    server = serve(folder)
    server.allow("does not start", "worker died", "reload failed", "traceback")

    write(
        folder,
        "class UserCtx:\n    async def onStart(self):\n        raise RuntimeError('no database')\n"
        + VERSION.replace("NUMBER", "2"),
    )
    server.send_signal(signal.SIGHUP)

    (failed,) = server.log.wait_for("^reload failed", within=20)
    assert "no database" in failed.get("text")
    assert version_of(server) == 1


def test_an_archive_that_was_replaced_is_unpacked_anew(serve, make_lambda, tmp_path):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    archive = tmp_path / "lambda.zip"

    def pack() -> None:
        with zipfile.ZipFile(archive, "w") as packed:
            packed.write(folder / "lambda_main.py", "lambda_main.py")

    pack()
    server = serve(archive)
    server.allow("reload failed")
    assert version_of(server) == 1

    archive.write_bytes(b"no archive")
    server.send_signal(signal.SIGHUP)
    server.log.wait_for("^reload failed", within=20)
    assert version_of(server) == 1

    write(folder, VERSION.replace("NUMBER", "2"))
    pack()
    reload(server, 3)
    assert version_of(server) == 2


@pytest.mark.parametrize("where", ["lambda_main.py", "inner/part.py"])
def test_a_save_reloads_while_developing(serve, make_lambda, where):
    folder = make_lambda("from inner.part import number\n\nasync def main(request):\n    return {'version': number}\n")
    (folder / "inner").mkdir()
    (folder / "inner" / "part.py").write_text("number = 1\n")
    server = serve(folder, "--reload")
    assert version_of(server) == 1

    if where == "lambda_main.py":
        write(folder, "async def main(request):\n    return {'version': 2}\n")
    else:
        (folder / where).write_text("number = 2\n")

    eventually(lambda: version_of(server) == 2, within=20)


def test_while_developing_a_mistake_is_told_and_the_next_save_recovers(serve, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    server = serve(folder, "--reload")
    server.allow("does not start", "worker died", "reload failed", "traceback")

    write(folder, "import nothing_of_that_name\n" + VERSION.replace("NUMBER", "2"))
    (failed,) = server.log.wait_for("^reload failed", within=20)
    assert "nothing_of_that_name" in failed.get("text")
    assert version_of(server) == 1

    write(folder, VERSION.replace("NUMBER", "3"))
    eventually(lambda: version_of(server) == 3, within=20)


def test_a_lambda_folder_that_is_gone_keeps_its_workers(serve, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    server = serve(folder)
    server.allow("does not start", "worker died", "reload failed", "traceback", "cannot be started")

    shutil.rmtree(folder)
    server.send_signal(signal.SIGHUP)

    server.log.wait_for("^reload failed", within=20)
    assert version_of(server) == 1


@reads_files_at_each_start
def test_a_lambda_that_cannot_be_loaded_any_more_is_lunas_validation_error(serve, make_lambda):
    folder = make_lambda(VERSION.replace("NUMBER", "1"))
    server = serve(folder, settings={"pool.queue_timeout": "1s"})
    server.allow(".")
    write(folder, "async def main(:\n")

    os.kill(server.worker(), signal.SIGKILL)
    server.log.wait_for("^lambda does not start$", within=20)

    assert_error(server.post({}), 503, 42005, "invalid_lambda", r"^lambda_main\.py:1: SyntaxError")
    write(folder, VERSION.replace("NUMBER", "2"))
    server.wait_for_workers(1, within=20)
    eventually(lambda: server.post({}).status == 200, within=20)


# ---------------------------------------------------------------------- the configuration


@pytest.fixture
def configured(serve, tmp_path):
    """A server with a configuration file, and a function that changes the file and reloads."""
    file = tmp_path / "lambdapool.yml"

    def start(text):
        file.write_text(text)
        server = serve("takes", "--config", str(file))

        def change(text, message="^reloaded$"):
            since = len(server.log.lines)
            file.write_text(text)
            server.send_signal(signal.SIGHUP)
            server.log.wait_for(message, since=since, within=20)

        return server, change

    return start


def test_a_reload_applies_what_has_changed_in_the_configuration_file(configured):
    server, change = configured("worker: {nice: 1}\nlambda: {version: v1}\n")
    assert server.post({"take": "who"}).header("Lambda-Version") == "v1"

    server.expected_workers = 1
    change("worker: {nice: 3}\nlambda: {version: v2}\nquarantine: {deaths: 7}\n")

    response = server.post({"take": "who"})
    assert response.header("Lambda-Version") == "v2"
    assert response.json()["nice"] == os.nice(0) + 3
    changes = {record["key"]: (record["from"], record["to"]) for record in server.log.find("^configuration changed$")}
    assert changes == {
        "lambda.version": ("v1", "v2"),
        "quarantine.deaths": ("3", "7"),
        "worker.nice": ("1", "3"),
    }


def test_a_reload_reads_the_user_configuration_anew(serve, make_lambda, tmp_path):
    user = tmp_path / "user.json"
    user.write_text('{"setting_1": 1}')
    folder = make_lambda("async def main(request):\n    return request.config.userConfig\n")
    server = serve(folder, "--set", f"lambda.user_config={user}")
    assert server.post({}).json() == {"setting_1": 1}

    server.expected_workers = 1
    user.write_text('{"setting_1": [2]}')
    server.send_signal(signal.SIGHUP)
    server.log.wait_for("^reloaded$", within=20)

    assert server.post({}).json() == {"setting_1": [2]}
    (record,) = server.log.find("^configuration changed$")
    assert record["key"] == "lambda.user_config" and record["to"] == f"{user}, which holds something else"


def test_a_reload_says_what_needs_a_restart_and_leaves_it_as_it_was(configured):
    server, change = configured("server: {idle_timeout: 75s}\n")

    change("server: {idle_timeout: 5s}\n")

    (record,) = server.log.find("needs a restart")
    assert (record["key"], record["from"], record["to"]) == ("server.idle_timeout", "75s", "5s")


def test_connections_that_the_limit_of_open_files_forbids_are_no_change(serve):
    server = serve("takes", prefix=["prlimit", "--nofile=256:256"])
    server.allow("limit of open files")
    server.log.wait_for("limit of open files")

    server.send_signal(signal.SIGHUP)
    server.log.wait_for("^reloaded$", within=20)

    assert not server.log.find("needs a restart")


def test_a_configuration_with_a_mistake_fails_the_reload_with_its_place_and_changes_nothing(configured):
    server, change = configured("worker: {nice: 1}\n")
    server.allow("reload failed")
    worker = server.worker()

    change("worker:\n  nise: 3\n", message="reload failed")

    assert "lambdapool.yml:2: worker.nise: unknown key" in server.log.find("reload failed")[-1]["text"]
    assert server.worker() == worker
    assert server.post({"take": "who"}).json()["nice"] == os.nice(0) + 1
