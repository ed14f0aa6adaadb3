"""What a worker may take of the machine, and as whom it runs."""

import os
import pwd
import re

import pytest

from support.errors import assert_error
from support.lambdapool import LAMBDAS, run, sanitized

MIB = 1 << 20
NOBODY = pwd.getpwnam("nobody")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run workers as somebody else")


@pytest.mark.skipif(sanitized(), reason="a sanitizer needs all the address space there is")
def test_memory_beyond_the_limit_is_a_memory_error_of_the_lambda(serve):
    server = serve("takes", settings={"worker.memory_limit": "1GiB"})

    assert server.post({"take": "memory", "size": 16 * MIB}).json() == {"taken": 16 * MIB}
    assert server.post({"take": "memory", "size": 1024 * MIB}).json() == {"taken": 0}


def test_more_open_files_than_allowed_are_an_error_of_the_lambda(serve):
    server = serve("takes", settings={"worker.open_files": 64})

    taken = server.post({"take": "files", "count": 100}).json()

    assert taken["error"] == "Too many open files"
    assert 30 < taken["opened"] < 64
    assert server.post({"take": "files", "count": 20}).json() == {"opened": 20}


@pytest.mark.skipif(sanitized(), reason="a sanitizer needs all the address space there is")
@pytest.mark.parametrize("setting", ["worker.open_files=7", "worker.memory_limit=30MiB"])
@pytest.mark.parametrize("preload", ["host", "off"])
def test_a_limit_too_small_to_start_with_is_named(setting, preload):
    failed = run("serve", LAMBDAS / "echo", "--port", "0", "--set", setting, "--set", f"pool.preload={preload}", within=60)

    assert failed.returncode == 1
    assert re.search(rf"({setting.replace('=', ' is ')}, which may be too (few|little))", failed.stderr.splitlines()[-1])


def test_a_worker_that_has_used_its_cpu_time_is_killed_and_says_so(serve):
    server = serve("takes", settings={"worker.cpu_limit": "1s"})
    server.allow(".")
    worker = server.worker()

    response = server.post({"take": "cpu"}, timeout=40)

    assert_error(response, 500, 42004, "worker_crashed", r"SIGXCPU.*worker\.cpu_limit")
    server.wait_for_replacement_of(worker)
    assert server.post({"take": "who"}).status == 200


def test_requests_that_use_up_a_workers_cpu_time_are_not_quarantined(serve):
    server = serve("takes", settings={"worker.cpu_limit": "1s", "quarantine.deaths": 1})
    server.allow(".")

    kinds = {server.post({"take": "cpu"}, timeout=40).header("Lambda-Error") for _ in range(2)}

    assert kinds == {"worker_crashed"}


def test_by_default_a_worker_has_the_supervisors_user_no_core_file_and_no_new_privileges(serve):
    server = serve("takes")

    seen = server.post({"take": "who"}).json()

    assert seen["uid"] == list(os.getresuid())
    assert (seen["nice"], seen["no_new_privs"], seen["core"]) == (os.nice(0), 1, 0)


def test_niceness_core_size_and_privileges_are_configured(serve):
    server = serve(
        "takes",
        settings={"worker.nice": 7, "worker.core_size": "1MiB", "worker.no_new_privileges": "false"},
    )

    seen = server.post({"take": "who"}).json()

    assert (seen["nice"], seen["no_new_privs"]) == (os.nice(0) + 7, 0)


@needs_root
@pytest.mark.parametrize("as_archive", [False, True])
def test_workers_run_as_another_user(serve, zipped, as_archive):
    path = zipped("takes") if as_archive else "takes"
    server = serve(path, settings={"worker.user": "nobody", "lambda.unpack_dir": "/tmp"})

    seen = server.post({"take": "who"}).json()

    assert seen["uid"] == [NOBODY.pw_uid] * 3
    assert seen["gid"] == [NOBODY.pw_gid] * 3
    assert 0 not in seen["groups"]
    assert seen["readable"]


@needs_root
def test_a_worker_of_another_user_dies_with_its_supervisor_and_is_replaced_like_any_other(serve):
    server = serve("takes", settings={"worker.user": "nobody"})
    server.allow(".")
    worker = server.worker()
    os.kill(worker, 9)
    server.wait_for_replacement_of(worker)
    assert server.post({"take": "who"}).status == 200


@needs_root
def test_the_group_can_be_another_one(serve):
    server = serve("takes", settings={"worker.user": "nobody", "worker.group": "daemon"})

    assert server.post({"take": "who"}).json()["gid"] == [1, 1, 1]


@needs_root
def test_processes_are_limited_for_the_user(serve):
    server = serve("takes", settings={"worker.user": "nobody", "worker.processes": 8})

    assert server.post({"take": "children", "count": 50}).json()["error"] == "Resource temporarily unavailable"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"worker.user": "no-such-user"}, "worker.user: there is no user 'no-such-user'"),
        ({"worker.user": "nobody", "worker.group": "no-such-group"}, "worker.group: there is no group 'no-such-group'"),
        ({"worker.group": "daemon"}, "worker.group: set worker.user as well"),
    ],
)
def test_an_account_that_cannot_be_used_is_told_before_anything_starts(settings, text):
    done = run("serve", LAMBDAS / "takes", "--port", "0", *(
        part for key, value in settings.items() for part in ("--set", f"{key}={value}")
    ))

    assert done.returncode == 1
    assert text in done.stderr
