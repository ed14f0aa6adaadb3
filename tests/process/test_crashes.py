"""Workers that die: who is told what, and what goes on."""

import os
import random
import signal
import threading
import time

import pytest

from support import processes
from support.errors import assert_error
from support.http_client import Connection, Response, request_bytes
from support.lambdapool import LAMBDAS, Lambdapool, sanitized
from support.wait import eventually

MIB = 1 << 20


def line_of(name: str, text: str) -> int:
    lines = (LAMBDAS / name / "lambda_main.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def assert_crashed(response: Response, detail: str) -> None:
    assert_error(response, 500, 42004, "worker_crashed", detail)
    assert "\n" not in response.json()["detail"]


# ---------------------------------------------------------------------- the detail


def test_a_segfault_is_a_500_that_names_signal_and_line(serve):
    server = serve("segfault")
    server.allow(".")
    worker = server.worker()

    response = server.post()

    line = line_of("segfault", "string_at(0)")
    assert_crashed(response, "^")
    assert response.json()["detail"] == (
        f"worker ended by signal 11 (SIGSEGV) at lambda_main.py:{line} in boom"
    )
    server.wait_for_replacement_of(worker)


def test_the_traceback_of_a_segfault_is_in_the_log(serve):
    server = serve("segfault")
    server.allow(".")
    worker = server.worker()
    server.post()
    server.wait_for_replacement_of(worker)

    for line in ("Segmentation fault", "in string_at", "in boom", "in main"):
        eventually(lambda: any(line in logged for logged in server.log.lines), what=line)


def test_a_segfault_of_a_lambda_from_an_archive_names_its_line_too(serve, zipped):
    server = serve(zipped("segfault"))
    server.allow(".")

    detail = server.post().json()["detail"]

    assert detail.endswith(f"at lambda_main.py:{line_of('segfault', 'string_at(0)')} in boom")


@pytest.mark.parametrize("status", [0, 1, 3, 4, 255])
def test_an_exit_of_any_status_is_a_crash(serve, status):
    server = serve("os_exit")
    server.allow(".")
    worker = server.worker()

    assert_crashed(server.post({"status": status}), rf"^worker exited with status {status}\b")
    server.wait_for_replacement_of(worker)


def test_an_abort_is_a_crash(serve):
    server = serve("abort")
    server.allow(".")
    worker = server.worker()

    response = server.post()

    assert_crashed(response, r"^worker ended by signal 6 \(SIGABRT\)")
    assert "in give_up" in response.json()["detail"]
    server.wait_for_replacement_of(worker)


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGBUS], ids=lambda one: one.name
)
def test_a_worker_that_is_killed_is_a_500_that_names_the_signal(serve, number):
    server = serve("sleeper")
    server.allow(".")
    worker = server.worker()

    with server.begin(seconds=30) as connection:
        os.kill(worker, number)
        assert_crashed(
            connection.receive(), rf"^worker ended by signal {number.value} \({number.name}\)"
        )
        assert connection.request(json_body={"name": "next"}).json()["name"] == "next"

    assert worker not in server.workers()


def test_every_request_that_had_begun_is_a_500(serve):
    server = serve("sleeper")
    server.allow(".")
    connections = [server.begin(seconds=30) for _ in range(10)]

    os.kill(server.worker(), signal.SIGKILL)

    for connection in connections:
        assert_crashed(connection.receive(), "signal 9")
        connection.close()


def test_a_crash_is_told_within_the_blink_of_an_eye(serve):
    server = serve("sleeper")
    server.allow(".")

    with server.begin(seconds=30) as connection:
        began = time.monotonic()
        os.kill(server.worker(), signal.SIGKILL)
        connection.receive()
        assert time.monotonic() - began < 0.5


# ---------------------------------------------------------------------- the others


def test_requests_on_other_workers_do_not_notice(serve):
    server = serve("sleeper", workers=3)
    server.allow(".")
    connections = [server.begin(seconds=1, name=number) for number in range(6)]
    victim = server.workers()[0]

    os.kill(victim, signal.SIGKILL)

    responses = [connection.receive() for connection in connections]
    assert sorted(response.status for response in responses) == [200, 200, 200, 200, 500, 500]
    assert victim not in [r.json()["pid"] for r in responses if r.status == 200]
    for connection in connections:
        connection.close()


def test_a_worker_that_dies_idle_is_replaced_without_anybody_noticing(serve):
    server = serve("sleeper", workers=2)
    server.allow(".")

    for _ in range(5):
        victim = server.workers()[0]
        os.kill(victim, signal.SIGKILL)
        assert server.post({"name": 1}).status == 200
        server.wait_for_replacement_of(victim)
        assert server.post({"name": 2}).status == 200


def test_when_all_workers_die_requests_wait_for_the_next(serve):
    server = serve("sleeper", workers=3)
    server.allow(".")

    for victim in server.workers():
        os.kill(victim, signal.SIGKILL)
    server.log.wait_for("^worker died$", count=3)

    began = time.monotonic()
    assert server.post({"name": "first"}).json()["name"] == "first"
    assert time.monotonic() - began < 3
    server.wait_for_workers(3)


def test_a_reply_written_before_the_death_is_delivered(serve, tmp_path):
    server = serve("dies_after_reply")
    server.allow(".")
    worker = server.worker()

    with server.begin(file=str(tmp_path / "go")) as connection:
        # The supervisor sees the reply and the death at the same time: both happen while it stands still.
        server.send_signal(signal.SIGSTOP)
        try:
            (tmp_path / "go").touch()
            eventually(lambda: not processes.exists(worker), what="the worker to die")
        finally:
            server.send_signal(signal.SIGCONT)
        response = connection.receive()

    assert (response.status, response.json()) == (200, {"result": "done"})
    server.wait_for_replacement_of(worker)


def test_a_request_that_had_not_begun_goes_to_the_next_worker(serve):
    server = serve("blocks_loop")
    server.allow(".")
    worker = server.worker()

    with server.begin(block=60, name="blocks") as blocking, server.connect() as behind:
        behind.send(request_bytes(json_body={"name": "behind"}))
        server.has_read_all_of(behind)
        os.kill(worker, signal.SIGKILL)
        assert_crashed(blocking.receive(), "signal 9")
        response = behind.receive()

    assert (response.status, response.json()["name"]) == (200, "behind")
    assert response.json()["pid"] != worker
    server.wait_for_replacement_of(worker)
    server.stop()
    # Both began, each once.
    assert len(server.log.find("^begun$")) == 2


def test_a_request_is_not_handed_on_without_end(serve):
    """One that stands behind a deadly one again and again is not carried from death to death."""
    server = serve("blocks_loop", settings={"pool.request_timeout": "20s"})
    server.allow(".")
    for _ in range(3):
        worker = server.worker()
        with server.begin(block=60) as blocking:
            os.kill(worker, signal.SIGKILL)
            assert blocking.receive().status == 500
        server.wait_for_replacement_of(worker)
    assert server.post({"name": "after"}).status == 200


# ---------------------------------------------------------------------- fork


def test_a_child_that_exits_is_no_concern_of_the_request(serve):
    server = serve("forks")
    worker = server.worker()

    assert server.post({"how": "child exits"}).json() == {"status": 7}
    assert server.worker() == worker


def test_a_child_that_returns_from_the_handler_answers_nothing(serve):
    server = serve("forks")
    server.allow("child")
    worker = server.worker()

    response = server.post({"how": "child returns"})
    assert response.json()["who"] == "parent"

    # The child stands in the same loop with the same descriptors: it must neither take nor answer requests.
    with server.connect() as connection:
        for number in range(50):
            assert connection.request(json_body={"how": number}).json() == {"how": number}
    assert server.worker() == worker


@pytest.mark.parametrize("how", ["subprocess", "asynchronous subprocess"])
def test_a_lambda_may_run_other_programs(serve, how):
    server = serve("forks")

    response = server.post({"how": how})

    assert response.status == 200, response.body
    assert response.json()["output"] == "42"


def test_a_lambda_may_hand_parts_of_a_request_to_other_processes(serve):
    server = serve("forks")
    worker = server.worker()

    response = server.post({"how": "process pool", "n": 1}, headers=[("X-Test", "1"), ("x-test", "2")])

    assert response.status == 200, response.body
    assert response.json()["all"] == ["1", "2"] and response.json()["value"] == {"how": "process pool", "n": 1}
    assert response.json()["pid"] != worker and server.worker() == worker


def test_a_program_that_a_worker_leaves_behind_does_not_hide_its_death(serve):
    server = serve("forks")
    server.allow(".")
    worker = server.worker()
    server.post({"how": "child stays"})

    os.kill(worker, signal.SIGKILL)

    server.wait_for_replacement_of(worker, within=5)
    assert server.post({"how": "after"}).status == 200


# ---------------------------------------------------------------------- the storm

CONNECTIONS = 32
STORM_WORKERS = 4
KILL_EVERY = 0.2


class Client(threading.Thread):
    """One keep-alive connection that asks and asks, and keeps account of every answer."""

    def __init__(self, server: Lambdapool, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.over = over
        self.good = 0
        self.crashed: list[str] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        try:
            with self.server.connect(timeout=20) as connection:
                while not self.over.is_set():
                    self._ask(connection)
        except Exception as error:  # Resets and silence are what is counted.
            self.wrong.append(f"{type(error).__name__}: {error}")

    def _ask(self, connection: Connection) -> None:
        name = f"{self.name} {self.good}"
        response = connection.request(json_body={"name": name, "seconds": 0.005})
        if response.status == 200 and response.json()["name"] == name:
            self.good += 1
        elif response.status == 500 and response.header("Lambda-Error") == "worker_crashed":
            self.crashed.append(response.json()["detail"])
        else:
            self.wrong.append(f"{response.status} {response.body[:200]!r}")


@pytest.mark.slow
@pytest.mark.bound(180)
def test_a_storm_of_kills_loses_no_request(serve):
    seconds = float(os.environ.get("LAMBDAPOOL_STORM_SECONDS", "20"))
    server = serve("sleeper", workers=STORM_WORKERS)
    server.allow(".")
    over = threading.Event()
    clients = [Client(server, over) for _ in range(CONNECTIONS)]
    for client in clients:
        client.start()
    chance = random.Random(20261124)
    kills = 0
    early_memory = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(KILL_EVERY)
        workers = server.workers()
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
            kills += 1
        if kills == 10:
            early_memory = server.resident_bytes()
    over.set()
    for client in clients:
        client.join(30)

    assert not [client.name for client in clients if client.is_alive()], "requests without an answer"
    assert [wrong for client in clients for wrong in client.wrong] == []
    crashed = [detail for client in clients for detail in client.crashed]
    assert [one for one in crashed if not one.startswith("worker ended by signal 9 (SIGKILL)")] == []
    assert all(client.good > 0 for client in clients)
    server.wait_for_workers(STORM_WORKERS)
    # No more can have died with a worker than it could hold.
    assert len(crashed) <= kills * CONNECTIONS
    if not sanitized():
        assert server.resident_bytes() - early_memory < 16 * MIB
    print(f"{sum(c.good for c in clients)} good, {len(crashed)} died with {kills} workers")


def test_many_crashes_leave_nothing_in_the_supervisor(serve):
    server = serve("os_exit", settings={"pool.restart_backoff": "1ms"})
    server.allow(".")
    for _ in range(5):
        server.post({"status": 1})
    before = server.resident_bytes()

    for _ in range(30):
        assert server.post({"status": 1}).status == 500

    if not sanitized():
        assert server.resident_bytes() - before < 4 * MIB
    assert processes.threads(server.pid) < 20
