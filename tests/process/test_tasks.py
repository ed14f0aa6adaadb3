"""Tasks: sub-tasks over all workers, deaths among them, stored tasks, restarts, cancellation."""

import collections
import json
import re
import resource
import select
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from support import processes
from support.errors import assert_error
from support.http_client import Response, request_bytes
from support.lambdapool import LAMBDAS, Lambdapool, run
from support.wait import eventually, remains

ACCOUNT = "11111111-2222-4333-8444-555555555555"
KINDS = ["segfault", "exit", "kill"]
DEATHS = {"segfault": "SIGSEGV", "exit": "status 3", "kill": "SIGKILL"}


def numbers(outcomes: list[dict[str, Any]]) -> list[int]:
    return [each["sub_task_id"] for each in outcomes]


def order(*parts: dict[str, Any], **content: Any) -> dict[str, Any]:
    return {"content": {"parts": list(parts), **content}}


def add(server: Lambdapool, body: dict[str, Any], **keywords: Any) -> int:
    response = server.request("POST", "/tasks", json_body=body, **keywords)
    assert response.status == 202, response.body
    task = response.json()["id"]
    assert response.json() == {"id": task}
    assert response.header("Location") == f"/tasks/{task}"
    return int(task)


def show(server: Lambdapool, task: int, query: str = "") -> dict[str, Any]:
    response = server.request("GET", f"/tasks/{task}{query}", timeout=30)
    assert response.status == 200, response.body
    shown: dict[str, Any] = response.json()
    return shown


def when(server: Lambdapool, task: int, state: str, within: float = 30) -> dict[str, Any]:
    def reached() -> dict[str, Any] | None:
        shown = show(server, task)
        return shown if shown["state"] == state else None

    return eventually(reached, within, f"task {task} is {state}")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "tasks.sqlite"


@pytest.fixture
def serve_tasks(serve, database):
    def start(name: str | Path = "tasks_wait", settings: dict[str, object] | None = None, **more: Any) -> Lambdapool:
        return serve(name, settings={"tasks.database": database, **(settings or {})}, **more)

    return start


# ---------------------------------------------------------------------- deaths of workers


def mortal_task() -> tuple[dict[str, Any], dict[str, str]]:
    """A thousand sub-tasks, ten of which kill their worker."""
    dies = {str(50 + 100 * each): KINDS[each % 3] for each in range(10)}
    return {"count": 1000, "dies": dies}, dies


def assert_ten_have_failed(shown: dict[str, Any], dies: dict[str, str]) -> None:
    assert numbers(shown["results"]) == [each for each in range(1000) if str(each) not in dies]
    assert numbers(shown["errors"]) == [int(each) for each in dies]
    for error in shown["errors"]:
        assert (error["error_code"], error["desc"]) == (42004, "Lambda exception")
        assert DEATHS[dies[str(error["sub_task_id"])]] in error["detail"]


@pytest.mark.bound(120)
def test_ten_of_a_thousand_sub_tasks_kill_their_worker_and_the_others_finish(serve_tasks):
    server = serve_tasks("tasks_kill", workers=4)
    server.allow("^worker died", "^traceback")
    content, dies = mortal_task()

    response = server.request("POST", "/main", json_body={"task_id": 5, "content": content}, timeout=100)

    assert response.status == 200
    assert response.json()["task_id"] == 5
    assert all(each["result"]["number"] == each["sub_task_id"] for each in response.json()["results"])
    assert_ten_have_failed(response.json(), dies)


def runs_in(notes: Path) -> collections.Counter[int]:
    return collections.Counter(map(int, notes.read_text().split()))


@pytest.mark.bound(180)
@pytest.mark.parametrize("deaths", [0, 10])
def test_a_killed_supervisor_goes_on_and_runs_no_finished_sub_task_again(serve_tasks, tmp_path, deaths):
    notes = tmp_path / "notes"
    content, dies = mortal_task() if deaths else ({"count": 1000}, {})
    first = serve_tasks("tasks_kill", workers=4, settings={"tasks.concurrency": 4})
    task = add(first, {"content": {**content, "notes": str(notes), "delay": 0.02}})
    eventually(lambda: show(first, task, "?count=0")["progress"]["done"] >= 400, within=60)
    before = show(first, task)
    workers = first.workers()
    first.kill()
    eventually(lambda: not any(map(processes.exists, workers)), what="its workers are gone")
    runs_before = runs_in(notes)

    assert 400 <= before["progress"]["done"] < 1000 - deaths
    second = serve_tasks("tasks_kill", workers=4)
    second.allow("^worker died", "^traceback")
    after = when(second, task, "finished", within=100)
    runs = runs_in(notes)

    assert after["progress"] == {"done": 1000 - deaths, "failed": deaths, "total": 1000}
    if deaths:
        assert_ten_have_failed(after, dies)
    else:
        # One that shared a worker with one that killed it ran again, before it was done.
        assert {runs[each] for each in numbers(before["results"])} == {1}
    assert [runs[each] for each in numbers(before["results"])] == [
        runs_before[each] for each in numbers(before["results"])
    ]
    assert set(runs) == {each for each in range(1000) if str(each) not in dies}
    done = set(numbers(before["results"]))
    assert [each for each in after["results"] if each["sub_task_id"] in done] == before["results"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_split_that_kills_its_worker_fails_the_task(serve_tasks, kind):
    server = serve_tasks("tasks_kill")
    server.allow("^worker died", "^traceback")

    response = server.post({"task_id": 1, "content": {"split": kind}})
    task = add(server, {"content": {"split": kind}})
    stored = when(server, task, "failed")

    assert_error(response, 500, 42004, "worker_crashed", DEATHS[kind])
    assert (stored["error"]["error_code"], stored["progress"]["total"]) == (42004, None)
    assert DEATHS[kind] in stored["error"]["detail"]
    assert stored["results"] == stored["errors"] == []


def test_a_sub_task_over_its_time_limit_is_an_error_and_the_others_finish(serve_tasks):
    server = serve_tasks(settings={"pool.request_timeout": "2s"})

    response = server.post({"task_id": 1, **order({"wait": 3600}, {"result": 1}, {"raise": "no"})}, timeout=30)
    server.allow("^sub-task 2 of task 1 failed")

    assert response.json()["results"] == [{"sub_task_id": 1, "result": 1}]
    late, raised = response.json()["errors"]
    assert (late["sub_task_id"], late["error_code"], late["detail"]) == (0, 42004, "no answer within 2000 ms")
    assert (raised["sub_task_id"], raised["detail"]) == (2, "no")


@pytest.mark.bound(120)
def test_sub_tasks_that_block_their_worker_wait_for_each_other_and_all_finish(serve_tasks):
    # Together they take longer than the time limit of one.
    server = serve_tasks(workers=2, settings={"pool.request_timeout": "4s"})

    response = server.post({"task_id": 1, **order(*[{"block": 0.5}] * 20)}, timeout=60)

    assert (response.status, len(response.json()["results"]), response.json()["errors"]) == (200, 20, [])


def read_meanwhile(server, path: str, body: bytes) -> tuple[int, Response]:
    """How many requests are answered while that one is read, and its answer."""
    with server.connect(timeout=60) as slow, server.connect(timeout=60) as fast:
        slow.send(request_bytes("POST", path, body=body))
        server.has_read_all_of(slow, within=30)
        others = 0
        while not select.select([slow.socket], [], [], 0)[0]:
            assert fast.request("GET", "/metrics").status == 200
            others += 1
        return others, slow.receive()


@pytest.mark.bound(120)
@pytest.mark.parametrize("path", ["/main", "/tasks"])
def test_others_are_answered_while_a_long_order_is_read(serve_tasks, path):
    server = serve_tasks(settings={"server.max_body": "32MiB"})
    numbers = b",".join([b"1"] * 10_000_000)

    # Not closed: it has to be read to its end to know.
    others, answer = read_meanwhile(server, path, b'{"task_id":1,"content":{"parts":[' + numbers + b"]}")

    assert_error(answer, 400, 12002, "bad_request", "Request does not contain json")
    assert others >= 3


@pytest.mark.bound(60)
def test_a_long_order_is_run_and_a_client_that_leaves_takes_its_own_along(serve_tasks):
    server = serve_tasks()
    parts = [{"result": "x" * 1000}] * 500

    with server.connect() as leaver:
        leaver.send(request_bytes("POST", "/main", json_body={"task_id": 1, **order(*parts)}))
        server.has_read_all_of(leaver)
    response = server.post({"task_id": 2, **order(*parts)}, timeout=40)

    assert len(response.json()["results"]) == 500
    task = add(server, order(*parts))
    assert when(server, task, "finished")["progress"] == {"done": 500, "failed": 0, "total": 500}


# ---------------------------------------------------------------------- the order of things


def test_sub_tasks_run_on_all_workers_and_their_results_are_in_order(serve_tasks):
    server = serve_tasks(workers=3)

    parts = [{"wait": 0.3 if each % 2 else 0, "result": each} for each in range(30)]
    response = server.post({"task_id": 1, **order(*parts)}, timeout=30)

    assert response.json()["results"] == [{"sub_task_id": each, "result": each} for each in range(30)]
    server.log.wait_for("^begun", count=30)
    assert {record["worker"] for record in server.log.find("^begun")} == {1, 2, 3}


def test_a_task_leaves_room_for_requests(serve_tasks, tmp_path):
    gate = tmp_path / "gate"
    server = serve_tasks(settings={"pool.concurrency": 4, "tasks.concurrency": 3, "pool.queue_length": 0})
    task = add(server, order(*[{"gate": str(gate)}] * 50))
    server.log.wait_for("^begun", count=3)

    for _ in range(20):
        assert server.request("GET", "/healthcheck").status == 200
    assert len(server.log.find("^begun")) == 3
    gate.touch()
    assert when(server, task, "finished")["progress"] == {"done": 50, "failed": 0, "total": 50}


def test_results_are_shown_while_the_task_runs(serve_tasks, tmp_path):
    gate = tmp_path / "gate"
    server = serve_tasks()
    task = add(server, order({"result": {"é": "\u2028"}}, {"gate": str(gate)}, {"raise": 'with "quotes"'}))
    server.allow("^sub-task 2 of task 1 failed")

    running = eventually(lambda: (shown := show(server, task))["progress"]["failed"] and shown["results"] and shown)
    gate.touch()
    finished = when(server, task, "finished")

    assert running["progress"] == {"done": 1, "failed": 1, "total": 3}
    assert (running["state"], running["end_time"], running["next"]) == ("running", None, None)
    assert running["results"] == [{"sub_task_id": 0, "result": {"é": "\u2028"}}]
    failure = {"sub_task_id": 2, "error_code": 42004, "desc": "Lambda exception", "detail": 'with "quotes"'}
    assert running["errors"] == [failure]
    assert finished["results"] == [*running["results"], {"sub_task_id": 1, "result": {}}]
    stamp = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
    times = [finished[f"{each}_time"] for each in ("create", "start", "end")]
    assert all(map(stamp.match, times)) and times == sorted(times)


def test_the_lambda_sees_the_ids_of_the_task_and_the_account(serve_tasks):
    server = serve_tasks("tasks_kill")

    own = add(server, {"content": {"count": 1}}, headers={"Luna-Account-Id": ACCOUNT})
    given = add(server, {"task_id": 2**63, "content": {"count": 1}})

    seen = when(server, own, "finished")
    assert seen["results"] == [{"sub_task_id": 0, "result": {"number": 0, "task": own, "account": ACCOUNT}}]
    assert (seen["task_id"], seen["account_id"]) == (own, ACCOUNT)
    other = when(server, given, "finished")
    assert other["results"] == [{"sub_task_id": 0, "result": {"number": 0, "task": 2**63, "account": None}}]
    assert (other["id"], other["task_id"]) == (given, 2**63)


def test_a_task_of_no_sub_tasks_is_finished(serve_tasks):
    server = serve_tasks()

    task = add(server, order())

    assert when(server, task, "finished")["progress"] == {"done": 0, "failed": 0, "total": 0}
    assert server.post({"task_id": 1, **order()}).json() == {"task_id": 1, "results": [], "errors": []}


def test_a_task_of_too_many_sub_tasks_fails(serve_tasks):
    server = serve_tasks(settings={"tasks.max_subtasks": 3})

    most = server.post({"task_id": 1, **order(*[{}] * 3)})
    more = server.post({"task_id": 1, **order(*[{}] * 4)})

    assert len(most.json()["results"]) == 3
    detail = r"returned 4 sub-tasks; at most 3 are possible \(tasks.max_subtasks\)"
    assert_error(more, 500, 42004, "bad_response", detail)


def test_results_that_are_too_large_for_memory_fail_the_task(serve_tasks):
    server = serve_tasks(settings={"tasks.max_results": "1KiB"})

    response = server.post({"task_id": 1, **order({"result": "x" * 600}, {"result": "x" * 600})})

    assert_error(response, 500, 42004, "bad_response", r"more than 1024 bytes \(tasks.max_results\)")


# ---------------------------------------------------------------------- /tasks


def test_tasks_are_listed_with_the_newest_first(serve_tasks):
    server = serve_tasks()
    tasks = [add(server, order({})) for _ in range(5)]
    for task in tasks:
        when(server, task, "finished")

    page = server.request("GET", "/tasks?page=2&page_size=2").json()

    assert (page["total"], page["page"], page["page_size"]) == (5, 2, 2)
    assert [each["id"] for each in page["tasks"]] == [tasks[2], tasks[1]]
    assert all(each["state"] == "finished" and "results" not in each for each in page["tasks"])
    assert [each["id"] for each in server.request("GET", "/tasks").json()["tasks"]] == tasks[::-1]


def test_a_part_of_the_results_can_be_asked_for(serve_tasks):
    server = serve_tasks()
    task = add(server, order(*[{"result": each} for each in range(5)]))
    when(server, task, "finished")

    part = show(server, task, "?from=1&count=2")
    rest = show(server, task, f"?from={part['next']}")
    none = show(server, task, "?count=0")

    assert (numbers(part["results"]), part["next"]) == ([1, 2], 3)
    assert (numbers(rest["results"]), rest["next"]) == ([3, 4], None)
    assert (none["results"], none["progress"]["done"]) == ([], 5)


@pytest.mark.parametrize(
    "target, detail",
    [
        ("/tasks?page=0", "page"),
        ("/tasks?page_size=101", "page_size"),
        ("/tasks?page=x", "page"),
        ("/tasks/1?from=-1", "from"),
        ("/tasks/1?count=", "count"),
    ],
)
def test_bad_query_parameters_are_refused(tasks_front, target, detail):
    assert_error(tasks_front.request("GET", target), 400, 12012, "bad_request", f"^Bad query parameters '{detail}'$")


@pytest.mark.parametrize("target", ["/tasks/77", "/tasks/77/", "/tasks/%37%37"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_task_that_is_not_there_is_not_found(tasks_front, method, target):
    response = tasks_front.request(method, target)
    assert_error(response, 404, 12013, "task_not_found", "^Task with id '77' not found$")


@pytest.mark.parametrize("target", ["/tasks/x", "/tasks/0", "/tasks/-1", "/tasks/1/x", "/tasks/99999999999999999999"])
def test_what_is_no_task_is_no_page(tasks_front, target):
    assert_error(tasks_front.request("GET", target), 404, 12013, "not_found", "^Page not found$")


@pytest.mark.parametrize(
    "method, target, allowed",
    [
        ("GET", "/main", "POST"),
        ("PUT", "/tasks", "GET, POST"),
        ("DELETE", "/tasks/", "GET, POST"),
        ("POST", "/tasks/1", "GET, DELETE"),
        ("HEAD", "/tasks/1", "GET, DELETE"),
    ],
)
def test_another_method_is_refused_with_those_there_are(tasks_front, method, target, allowed):
    response = tasks_front.request(method, target)
    assert (response.status, response.header("Allow")) == (405, allowed)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("target", ["/tasks", "/tasks/1"])
def test_other_lambdas_have_no_tasks(front, method, target):
    assert_error(front.request(method, target), 404, 12013, "not_found", "^Page not found$")


@pytest.mark.parametrize("target", ["split", "execute", "/split", "/execute", "/main"])
def test_no_client_can_make_the_calls_that_workers_get(tasks_front, target):
    body = json.dumps({"task_id": 1, "account_id": None, "sub_task_id": 0, "content": {"parts": []}})
    with tasks_front.connect() as connection:
        data = f"TASK {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        connection.send(data.encode())
        assert connection.receive("TASK").status in (400, 405, 501)


@pytest.fixture(scope="module")
def tasks_front(serve_module, tmp_path_factory) -> Lambdapool:
    database = tmp_path_factory.mktemp("front") / "tasks.sqlite"
    return serve_module("tasks_wait", settings={"tasks.database": database})


BAD_ORDERS = [
    (b"", 12002, "^Request does not contain json$"),
    (b"{", 12002, "^Request does not contain json$"),
    (b'{"task_id": 1}', 12003, "^Field content not found in json$"),
    (b"[]", 12022, "Path: '' message: 'an array is not an object with "),
    (b'{"task_id": "1", "content": {}}', 12022, "Path: 'task_id' message: 'a string is not an integer'$"),
    (b'{"task_id": true, "content": {}}', 12022, "Path: 'task_id' message: 'a boolean is not an integer'$"),
    (b'{"task_id": 1.0, "content": {}}', 12022, "Path: 'task_id' message: 'a number is not an integer'$"),
    (b'{"task_id": 1, "content": []}', 12022, "Path: 'content' message: 'an array is not an object'$"),
    (b'{"task_id": 1, "content": null}', 12022, "Path: 'content' message: 'null is not an object'$"),
]


@pytest.mark.parametrize("target", ["/main", "/tasks"])
@pytest.mark.parametrize("body, code, detail", BAD_ORDERS)
def test_a_body_that_is_no_task_is_the_clients_fault(tasks_front, target, body, code, detail):
    assert_error(tasks_front.request("POST", target, body=body), 400, code, "bad_request", detail)


def test_main_needs_the_id_of_the_task(tasks_front):
    response = tasks_front.request("POST", "/main", body=b'{"content": {}}')
    assert_error(response, 400, 12003, "bad_request", "^Field task_id not found in json$")


@pytest.mark.parametrize("target", ["/main", "/tasks"])
@pytest.mark.parametrize("value", ["me", ACCOUNT.upper().replace("1", "A")])
def test_an_account_that_is_no_uuid_is_the_clients_fault(tasks_front, target, value):
    response = tasks_front.request(
        "POST", target, json_body={"task_id": 1, "content": {"parts": []}}, headers={"Luna-Account-Id": value}
    )
    assert_error(response, 400, 12031, "bad_account", "^Bad header 'Luna-Account-Id': it must be a UUID in lower case$")


def test_tasks_are_there_on_the_paths_of_lunas_proxy(tasks_front):
    [record] = tasks_front.log.find("^starting$")
    target = f"/6/lambdas/{record['lambda_id']}/proxy/tasks"
    response = tasks_front.request("GET", target, headers={"Luna-Account-Id": ACCOUNT})
    assert response.status == 200 and "tasks" in response.json()


def test_no_more_tasks_than_may_be_unfinished_are_taken(serve_tasks, tmp_path):
    gate = tmp_path / "gate"
    server = serve_tasks(settings={"tasks.queue_length": 3, "tasks.at_once": 1})
    tasks = [add(server, order({"gate": str(gate)})) for _ in range(3)]

    response = server.request("POST", "/tasks", json_body=order({}))
    states = [show(server, task)["state"] for task in tasks]
    gate.touch()

    assert_error(response, 503, 1, "too_many_tasks", r"3 tasks are unfinished \(tasks.queue_length\)")
    assert states[1:] == ["waiting", "waiting"]
    for task in tasks:
        when(server, task, "finished")
    add(server, order({}))


# ---------------------------------------------------------------------- cancellation


def test_a_deleted_task_is_cancelled_and_removed_when_it_is_deleted_again(serve_tasks):
    server = serve_tasks(settings={"tasks.concurrency": 2})
    task = add(server, order(*[{"wait": 3600}] * 5))
    server.log.wait_for("^begun", count=2)

    assert server.request("DELETE", f"/tasks/{task}").status == 204
    server.log.wait_for("^cancelled", count=2)
    cancelled = show(server, task)

    assert (cancelled["state"], cancelled["progress"]) == ("cancelled", {"done": 0, "failed": 0, "total": 5})
    assert cancelled["end_time"]
    assert len(server.log.find("^begun")) == 2
    assert server.request("DELETE", f"/tasks/{task}").status == 204
    assert server.request("GET", f"/tasks/{task}").status == 404
    assert server.request("GET", "/tasks").json()["tasks"] == []


def test_a_task_that_waits_for_its_turn_can_be_cancelled(serve_tasks, tmp_path):
    gate = tmp_path / "gate"
    server = serve_tasks(settings={"tasks.at_once": 1})
    first, second, third = [add(server, order({"gate": str(gate)})) for _ in range(3)]
    server.log.wait_for("^begun")

    assert server.request("DELETE", f"/tasks/{second}").status == 204
    gate.touch()

    assert when(server, third, "finished")["progress"]["done"] == 1
    assert show(server, second)["state"] == "cancelled"
    assert show(server, first)["state"] == "finished"
    # Log lines of other workers come when they come.
    eventually(lambda: len(server.log.find("^begun")) == 2)


def test_a_task_is_cancelled_when_its_client_leaves(serve_tasks):
    server = serve_tasks(settings={"tasks.concurrency": 2})

    with server.connect() as connection:
        connection.send(request_bytes(json_body={"task_id": 1, **order(*[{"wait": 3600}] * 5)}))
        server.log.wait_for("^begun", count=2)

    server.log.wait_for("^cancelled", count=2)
    remains(lambda: len(server.log.find("^begun")) == 2, 0.2)


# ---------------------------------------------------------------------- stops and restarts


def test_a_stop_lets_running_sub_tasks_finish_and_the_next_start_runs_the_others(serve_tasks, tmp_path):
    gate = tmp_path / "gate"
    first = serve_tasks(settings={"tasks.concurrency": 2})
    task = add(first, order(*[{"gate": str(gate), "result": each} for each in range(5)]))
    first.log.wait_for("^begun", count=2)

    first.send_signal(signal.SIGTERM)
    first.log.wait_for("^stopping$")
    gate.touch()
    first.wait_for_exit()

    assert len(first.log.find("^begun")) == 2
    second = serve_tasks()
    assert when(second, task, "finished")["progress"] == {"done": 5, "failed": 0, "total": 5}
    second.log.wait_for("^begun", count=3)
    assert len(second.log.find("^begun")) == 3


def test_sub_tasks_that_outlive_the_grace_run_again_after_the_next_start(serve_tasks, tmp_path):
    gate = tmp_path / "gate"
    first = serve_tasks(settings={"pool.grace": "200ms"})
    task = add(first, order({"gate": str(gate)}))
    first.log.wait_for("^begun")
    first.stop()

    second = serve_tasks()
    second.log.wait_for("^begun")
    gate.touch()

    assert when(second, task, "finished")["progress"] == {"done": 1, "failed": 0, "total": 1}


def test_a_stop_waits_for_the_task_of_a_client(serve_tasks, tmp_path):
    gate = tmp_path / "gate"
    server = serve_tasks(settings={"tasks.concurrency": 1})
    with server.connect(timeout=20) as connection:
        connection.send(request_bytes(json_body={"task_id": 1, **order(*[{"gate": str(gate)}] * 3)}))
        server.log.wait_for("^begun")
        server.send_signal(signal.SIGTERM)
        server.log.wait_for("^stopping$")
        gate.touch()
        response = connection.receive()
    assert (response.status, len(response.json()["results"])) == (200, 3)
    server.wait_for_exit()


def test_a_task_goes_on_after_a_reload(serve_tasks, tmp_path):
    gate = tmp_path / "gate"
    server = serve_tasks(settings={"tasks.concurrency": 2})
    task = add(server, order(*[{"gate": str(gate)}] * 6))
    server.log.wait_for("^begun", count=2)

    server.send_signal(signal.SIGHUP)
    server.log.wait_for("^begun", count=4)
    gate.touch()

    assert when(server, task, "finished")["progress"] == {"done": 6, "failed": 0, "total": 6}
    server.log.wait_for("^reloaded$")
    server.wait_for_workers(1)


# ---------------------------------------------------------------------- the database


def refused(database: Path) -> str:
    done = run("serve", LAMBDAS / "tasks_wait", "--port", "0", "--set", f"tasks.database={database}")
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def test_a_database_in_use_is_left_alone(serve_tasks, database):
    serve_tasks()

    assert refused(database) == (
        f"lambdapool: {database}: another lambdapool uses this database; stop it, or give this one a file of "
        "its own (tasks.database)"
    )


def test_a_file_that_is_no_database_is_left_alone(database):
    database.write_text("something else\n" * 100)

    assert "this is no sound database" in refused(database)
    assert database.read_text() == "something else\n" * 100


def test_a_database_of_another_program_is_left_alone(database):
    with sqlite3.connect(database) as other:
        other.execute("CREATE TABLE theirs (id)")

    assert refused(database).endswith(
        "this database is not lambdapool's; move it away, or name another file (tasks.database)"
    )


def test_a_folder_that_is_missing_is_named(tmp_path):
    database = tmp_path / "missing" / "tasks.sqlite"

    line = refused(database)

    assert line.startswith(f"lambdapool: {database}: No such file or directory; ")
    assert "tasks.database" in line


def test_the_database_has_its_place_in_the_users_state(serve, tmp_path):
    server = serve(
        "tasks_wait", settings={"lambda.id": ".b"}, extra_environment={"XDG_STATE_HOME": str(tmp_path / "state")}
    )
    when(server, add(server, order({})), "finished")

    folder = tmp_path / "state" / "lambdapool"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "%2Eb.sqlite").stat().st_mode & 0o777 == 0o600


def test_the_database_is_in_the_state_directory_of_a_service(serve, tmp_path):
    serve("tasks_wait", extra_environment={"STATE_DIRECTORY": str(tmp_path)})

    assert (tmp_path / "tasks.sqlite").exists()


def test_other_lambdas_have_no_database(serve, database):
    serve("echo", settings={"tasks.database": database})

    assert not database.exists()


def test_old_tasks_are_removed(serve_tasks):
    server = serve_tasks(settings={"tasks.keep_count": 2})
    tasks = []
    for _ in range(4):
        tasks.append(add(server, order({})))
        when(server, tasks[-1], "finished")

    def left() -> list[int]:
        return [each["id"] for each in server.request("GET", "/tasks").json()["tasks"]]

    eventually(lambda: left() == tasks[:1:-1], what="the newest two are left")


def full_disk(server: Lambdapool) -> Response:
    response = server.request("POST", "/tasks", json_body={"content": {"parts": [{"result": "x" * 1000}] * 200}})
    assert response.status in (202, 507), response.body
    return response


def test_a_full_disk_refuses_tasks_and_ends_nothing(serve_tasks, database):
    # A limit of the size of files stands for the disk; writes over it fail with EFBIG.
    server = serve_tasks()
    server.allow("^a task cannot be stored", "^a task cannot be started")
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (2 << 20, resource.RLIM_INFINITY))
    response = eventually(lambda: (answer := full_disk(server)).status == 507 and answer, within=30)
    assert_error(response, 507, 1, "storage_full", f"^{database}: .*make room there, or put tasks.database elsewhere")
    assert server.post({"task_id": 1, **order({"result": 1})}).json()["results"] == [{"sub_task_id": 0, "result": 1}]
    assert server.request("GET", "/tasks").status == 200

    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for task in server.request("GET", "/tasks?page_size=100").json()["tasks"]:
        when(server, task["id"], "finished", within=30)


def test_a_sub_task_that_blocks_its_worker_fails_alone(serve_tasks):
    server = serve_tasks(settings={"pool.request_timeout": "2s", "pool.cancel_grace": "200ms"})
    server.allow(".")
    parts = [{"wait": 0.3}, {"wait": 0.3}, {"block": 100}, {"wait": 0.3}]

    response = server.request("POST", "/main", json_body={"task_id": 1, **order(*parts)}, timeout=50)

    answer = response.json()
    assert numbers(answer["errors"]) == [2]
    assert numbers(answer["results"]) == [0, 1, 3]
