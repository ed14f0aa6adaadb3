"""`lambdapool task run`: one task from the shell."""

import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

from support.lambdapool import LAMBDAS, PROGRAMS, environment, run
from support.wait import eventually


@pytest.fixture
def content(tmp_path):
    def write(value: object) -> Path:
        file = tmp_path / "content.json"
        file.write_text(value if isinstance(value, str) else json.dumps(value))
        return file

    return write


def parts(*values: dict[str, object]) -> dict[str, object]:
    return {"parts": list(values)}


def test_results_go_to_standard_output_and_progress_to_standard_error(content):
    done = run("task", "run", LAMBDAS / "tasks_wait", content(parts({"result": 1}, {"result": [2]})), "--workers", "2")

    assert done.returncode == 0, done.stderr
    results = [{"sub_task_id": 0, "result": 1}, {"sub_task_id": 1, "result": [2]}]
    assert json.loads(done.stdout) == {"task_id": 1, "results": results, "errors": []}
    assert done.stderr.splitlines()[-1] == "2/2 sub-tasks"


def test_content_may_come_from_standard_input():
    command = [PROGRAMS / "lambdapool", "task", "run", LAMBDAS / "tasks_wait", "-"]
    done = subprocess.run(
        command, input=json.dumps(parts({"result": 1})), capture_output=True, text=True, env=environment(), timeout=30
    )
    assert (done.returncode, json.loads(done.stdout)["results"]) == (0, [{"sub_task_id": 0, "result": 1}])


def test_failed_sub_tasks_make_it_fail_with_the_results_of_the_others(content):
    done = run("task", "run", LAMBDAS / "tasks_kill", content({"count": 3, "dies": {"1": "exit"}}))

    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert [each["sub_task_id"] for each in told["results"]] == [0, 2]
    assert "status 3" in told["errors"][0]["detail"]
    assert done.stderr.splitlines()[-1] == "3/3 sub-tasks, 1 failed"


def test_a_task_that_cannot_be_split_says_why(content):
    done = run("task", "run", LAMBDAS / "tasks_wait", content({}))

    assert (done.returncode, done.stdout) == (1, "")
    assert "lambdapool: the task failed: 'parts'" in done.stderr.splitlines()


@pytest.mark.parametrize(
    "text, told",
    [
        ("", ":1:1: unexpected end; it must hold the task's content, a JSON object"),
        ('{\n  "parts": [],\n}', ":3:1: unexpected '}'; it must hold the task's content, a JSON object"),
        ("[1]", ": must hold the task's content, a JSON object, not an array"),
    ],
)
def test_content_that_is_no_object_is_told(content, text, told):
    file = content(text)
    done = run("task", "run", LAMBDAS / "tasks_wait", file)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"lambdapool: {file}{told}\n"


def test_another_lambda_runs_no_tasks(content):
    done = run("task", "run", LAMBDAS / "echo", content({}))

    assert done.returncode == 1
    assert "is a standalone lambda; only tasks lambdas, with a class LambdaTask, run tasks" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["only_a_path"], ["a", "b", "c"], ["a", "b", "--nothing"]])
def test_wrong_usage_is_told(arguments):
    done = run("task", "run", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "Try `lambdapool task run --help`."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_cancelled(content, tmp_path, number):
    log = tmp_path / "log"
    settings = ["--set", "log.level=info", "--set", f"log.file={log}"]
    file = content(parts({"wait": 3600}, {"wait": 3600}))
    command = [PROGRAMS / "lambdapool", "task", "run", LAMBDAS / "tasks_wait", file, *settings]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        eventually(lambda: log.exists() and log.read_text().count(" begun ") == 2, within=30)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert "cancelled after 0/2 sub-tasks" in err.splitlines()


def test_cancelled_it_says_what_it_waits_for_and_a_second_signal_ends_it(content, tmp_path):
    log = tmp_path / "log"
    settings = ["--set", "log.level=info", "--set", f"log.file={log}", "--set", "pool.shutdown_timeout=1h"]
    file = content(parts({"block": 3600}))
    command = [PROGRAMS / "lambdapool", "task", "run", LAMBDAS / "tasks_wait", file, *settings]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        eventually(lambda: log.exists() and log.read_text().count(" begun ") == 1, within=30)
        process.send_signal(signal.SIGINT)
        lines = iter(process.stderr.readline, "")
        told = next(line for line in lines if line.startswith("waiting"))
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert told == (
        "waiting for the lambda to end, at most 3600 s (pool.shutdown_timeout); "
        "a second signal (Ctrl-C) ends it at once\n"
    )


def test_a_bar_is_drawn_on_a_terminal(content):
    ours, theirs = pty.openpty()
    command = [PROGRAMS / "lambdapool", "task", "run", LAMBDAS / "tasks_wait", content(parts({}, {"wait": 0.5}))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment()) as process:
        os.close(theirs)
        out = process.stdout.read()
        process.wait(30)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert (process.returncode, len(json.loads(out)["results"])) == (0, 2)
    frames = re.findall(r"\r(\[[#.]{40}\] [^\x1b]*)\x1b\[K", shown.decode())
    assert frames[-1] == f"[{'#' * 40}] 2/2 sub-tasks"
    assert any(frame.startswith(f"[{'#' * 20}{'.' * 20}] 1/2") for frame in frames)
    assert shown.endswith(b"\r\n")
