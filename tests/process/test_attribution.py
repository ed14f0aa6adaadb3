"""A worker that one request ends: that one is told so, the others are not lost."""

import concurrent.futures
import os
import signal

import pytest

from support.errors import assert_error
from support.lambdapool import LAMBDAS
from support.wait import eventually

# How each request ends the worker, and what its own answer says.
ENDS = {
    "segfault": r"^worker ended by signal 11 \(SIGSEGV\) at lambda_main.py:{segfault} in segfault$",
    "child": r"^worker ended by signal 11 \(SIGSEGV\) at lambda_main.py:{segfault} in segfault$",
    "gather": r"^worker ended by signal 11 \(SIGSEGV\) at lambda_main.py:{segfault} in segfault$",
    "thread": r"^worker ended by signal 11 \(SIGSEGV\) at lambda_main.py:{segfault} in segfault$",
    "executor": r"^worker exited with status 9$",
    "exit": r"^worker exited with status 0$",
    "abort": r"^worker ended by signal 6 \(SIGABRT\) at lambda_main.py:\d+ in post$",
    "raise": r"^worker ended by signal 15 \(SIGTERM\)",
}


def segfault_line() -> int:
    lines = (LAMBDAS / "culprits" / "lambda_main.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if "string_at(0)" in line)


class Crowd:
    """Requests that have begun in the only worker and wait there."""

    def __init__(self, server, folder, methods):
        self.server, self.folder = server, folder
        self.pool = concurrent.futures.ThreadPoolExecutor(len(methods))
        self.answers = {
            f"{method}-{number}": self.pool.submit(
                server.request,
                method,
                f"/waits/{method}-{number}",
                headers={"X-Folder": str(folder)},
                timeout=40,
            )
            for number, method in enumerate(methods)
        }
        eventually(lambda: len(self.begun()) == len(methods), what="all have begun")

    def begun(self):
        file = self.folder / "begun"
        return file.read_text().split() if file.exists() else []

    def let_go(self):
        (self.folder / "go").touch()
        answers = {name: answer.result(40) for name, answer in self.answers.items()}
        self.pool.shutdown()
        return answers


@pytest.fixture
def crowd(serve, tmp_path):
    def make(methods, **settings):
        server = serve("culprits", settings=settings)
        server.allow(".")
        return server, Crowd(server, tmp_path, methods)

    return make


@pytest.mark.parametrize("how", ENDS)
def test_of_twenty_requests_only_the_culprit_gets_the_crash_and_the_safe_ones_run_again(crowd, how):
    server, waiting = crowd(["GET"] * 10 + ["POST"] * 9)

    culprit = server.request("POST", f"/ends/{how}", timeout=40)
    answers = waiting.let_go()

    assert_error(culprit, 500, 42004, "worker_crashed", ENDS[how].format(segfault=segfault_line()))
    safe = [answer for name, answer in answers.items() if name.startswith("GET")]
    unsafe = [answer for name, answer in answers.items() if name.startswith("POST")]
    assert [answer.status for answer in safe] == [200] * 10
    for answer in unsafe:
        assert_error(answer, 500, 42004, "worker_crashed", "^another request ended the worker")
    assert sorted(waiting.begun()) == sorted([*answers, *(name for name in answers if name.startswith("GET"))])


@pytest.mark.parametrize(
    ("replay", "again"),
    [("never", set()), ("safe", {"GET"}), ("idempotent", {"GET", "PUT"}), ("always", {"GET", "PUT", "POST"})],
)
def test_what_runs_again_is_configured(crowd, replay, again):
    server, waiting = crowd(["GET", "PUT", "POST"], **{"pool.replay": replay})

    culprit = server.request("POST", "/ends/segfault", timeout=40)
    answers = waiting.let_go()

    assert culprit.status == 500
    assert {name.split("-")[0] for name, answer in answers.items() if answer.status == 200} == again


def test_a_worker_that_is_killed_from_outside_has_no_culprit(crowd):
    server, waiting = crowd(["GET", "GET", "POST"])

    os.kill(server.worker(), signal.SIGKILL)
    answers = waiting.let_go()

    assert answers["GET-0"].status == answers["GET-1"].status == 200
    assert_error(answers["POST-2"], 500, 42004, "worker_crashed", r"^worker ended by signal 9 \(SIGKILL\)$")


def test_a_worker_that_kills_itself_as_if_from_outside_has_no_culprit_either(crowd):
    server, waiting = crowd(["GET", "POST"])

    own = server.request("POST", "/ends/kill", timeout=40)
    answers = waiting.let_go()

    assert answers["GET-0"].status == 200
    for answer in (own, answers["POST-1"]):
        assert_error(answer, 500, 42004, "worker_crashed", r"^worker ended by signal 9 \(SIGKILL\)$")


def test_a_request_that_ends_every_worker_is_quarantined(serve):
    server = serve("culprits")
    server.allow(".")
    for _ in range(3):
        assert_error(server.request("POST", "/ends/exit"), 500, 42004, "worker_crashed", "status 0$")

    refused = server.request("POST", "/ends/exit")

    assert_error(refused, 500, 42004, "quarantined", r"has ended 3 workers .*\(quarantine\.ttl\)$")
    assert server.request("POST", "/ends/nothing").status == 200
    assert server.request("POST", "/ends/exit", body=b"other").json()["detail"] == "worker exited with status 0"


def test_quarantine_ends_after_its_time(serve):
    server = serve("culprits", settings={"quarantine.ttl": "1s", "quarantine.deaths": 1})
    server.allow(".")
    assert server.request("POST", "/ends/exit").status == 500

    def kind():
        return server.request("POST", "/ends/exit").header("Lambda-Error")

    assert kind() == "quarantined"
    eventually(lambda: kind() == "worker_crashed", within=20, what="the quarantine is over")


def test_quarantine_can_be_turned_off(serve):
    server = serve("culprits", settings={"quarantine.deaths": 0})
    server.allow(".")

    kinds = {server.request("POST", "/ends/exit").header("Lambda-Error") for _ in range(6)}

    assert kinds == {"worker_crashed"}
