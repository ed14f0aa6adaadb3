"""Workers that are forked off a template process: what they share with it, and what they must not."""

import os
import signal

import pytest

from support import processes
from support.lambdapool import Lambdapool
from support.wait import eventually

HELLO = """
    async def main(request):
        return {"ok": True}
"""
WARNING = "^no template process, workers start without"


def replaced(server: Lambdapool, number: signal.Signals = signal.SIGKILL) -> int:
    """Kills the only worker; gives the process of the next, which is ready."""
    ready = len(server.log.find("^worker ready$"))
    os.kill(server.worker(), number)
    server.log.wait_for("^worker ready$", count=ready + 1, within=20)
    return server.worker()


def preloaded(serve, lambda_, mode, **keywords) -> Lambdapool:
    server = serve(lambda_, settings={"pool.preload": mode, **keywords.pop("settings", {})}, **keywords)
    server.allow("^worker died$", "^traceback$")
    return server


def test_without_preloading_there_is_no_template(serve):
    assert preloaded(serve, "echo", "off").templates() == []


def test_preloading_the_host_is_the_default(serve):
    server = serve("echo", settings={"pool.preload": "host"})

    assert len(server.templates()) == 1


@pytest.mark.parametrize("mode", ["host", "lambda"])
def test_a_worker_is_a_child_of_the_supervisor_in_a_session_of_its_own(serve, mode):
    server = preloaded(serve, "echo", mode, workers=2)

    for pid in server.workers():
        assert processes.stat(pid).parent == server.pid
        assert os.getsid(pid) == os.getpgid(pid) == pid
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            assert b"template" not in file.read()


@pytest.mark.parametrize("mode", ["host", "lambda"])
@pytest.mark.parametrize(
    "how, sentence",
    [
        ("os._exit(7)", "exited with status 7"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    ],
)
def test_the_end_of_a_forked_worker_is_told_as_that_of_any_other(serve, make_lambda, mode, how, sentence):
    server = preloaded(serve, make_lambda(f"import os, signal\nasync def main(request):\n    {how}\n"), mode)

    response = server.post({})

    assert response.status == 500
    assert response.header("Lambda-Error") == "worker_crashed"
    (died,) = server.log.wait_for("^worker died$", within=10)
    assert sentence in died["how"]


def test_forked_workers_hold_the_descriptors_of_executed_ones(serve, make_lambda):
    folder = make_lambda(
        """
        import os

        async def main(request):
            found = {}
            for name in os.listdir("/proc/self/fd"):
                try:
                    found[name] = os.readlink(f"/proc/self/fd/{name}")
                except OSError:
                    pass
            return {n: t.split(":")[0] for n, t in found.items()}
        """
    )

    def asked(mode: str) -> dict[str, str]:
        return preloaded(serve, folder, mode, settings={"worker.event_loop": "asyncio"}).post({}).json()

    executed = asked("off")

    assert asked("host") == executed
    assert asked("lambda") == executed


def test_a_template_keeps_no_descriptor_of_its_workers(serve):
    server = preloaded(serve, "echo", "host")
    (template,) = server.templates()
    eventually(lambda: len(processes.descriptors(template)) == 6, what="six descriptors")
    before = processes.descriptors(template)

    replaced(server)

    eventually(lambda: processes.descriptors(template) == before, what="the descriptors of before")


def test_after_the_start_supervisor_and_template_let_go_of_what_only_the_start_needed(serve):
    server = preloaded(serve, "echo", "host")
    (template,) = server.templates()
    before = {pid: processes.resident_file_bytes(pid) for pid in (server.pid, template)}

    for pid, bytes_ in before.items():
        eventually(lambda: processes.resident_file_bytes(pid) < bytes_ / 2, within=20, what="files are let go of")
    assert server.worker() != replaced(server)


@pytest.mark.parametrize("mode", ["host", "lambda"])
def test_workers_draw_different_random_numbers(serve, make_lambda, mode):
    source = "import random, uuid\nasync def main(request):\n    return [random.random(), str(uuid.uuid4())]\n"
    server = preloaded(serve, make_lambda(source), mode)
    first = server.post({}).json()

    replaced(server)

    second = server.post({}).json()
    assert first[0] != second[0]
    assert first[1] != second[1]


@pytest.mark.parametrize("event_loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize("mode", ["host", "lambda"])
def test_forked_workers_run_either_loop(serve, make_lambda, mode, event_loop):
    if event_loop == "uvloop":
        pytest.importorskip("uvloop")
    source = "import asyncio\nasync def main(request):\n    return type(asyncio.get_running_loop()).__module__\n"
    server = preloaded(serve, make_lambda(source), mode, settings={"worker.event_loop": event_loop})
    replaced(server)

    assert server.post({}).json().split(".")[0] == event_loop


def test_a_preloaded_lambda_is_imported_once(serve, make_lambda):
    folder = make_lambda(
        """
        import os

        IMPORTED_IN = os.getpid()

        async def main(request):
            return IMPORTED_IN
        """
    )
    server = preloaded(serve, folder, "lambda")
    (template,) = server.templates()
    replaced(server)

    assert server.post({}).json() == template


def test_what_a_preloaded_lambda_logs_and_counts_while_it_is_imported_is_not_lost(serve, make_lambda):
    folder = make_lambda(
        """
        from luna_lambda_tools import logger
        from luna_lambda_tools.public.metrics import Counter

        logger.warning("imported now")
        IMPORTS = Counter("imports", "how often")
        USER_METRICS = [IMPORTS]
        IMPORTS.inc()

        async def main(request):
            return {}
        """
    )
    server = preloaded(serve, folder, "lambda")

    server.log.wait_for("^imported now$", within=10)
    assert not server.log.find(WARNING)


@pytest.mark.parametrize(
    "line, reason",
    [
        ("import threading; threading.Thread(target=threading.Event().wait, name='mine', daemon=True).start()", "mine"),
        ("import socket; kept = socket.socket()", "descriptor"),
        ("import asyncio; asyncio.set_event_loop(asyncio.new_event_loop())", "descriptor|event loop"),
    ],
)
def test_an_import_that_cannot_be_forked_is_named_and_workers_start_without(serve, make_lambda, line, reason):
    server = preloaded(serve, make_lambda(f"{line}\nasync def main(request):\n    return 1\n"), "lambda")

    (warning,) = server.log.find(WARNING)
    assert any(each in warning["text"] for each in reason.split("|"))
    assert server.templates() == []
    replaced(server)
    assert server.post({}).json() == 1


def test_a_lambda_that_cannot_be_imported_fails_as_without_preloading(serve, make_lambda):
    def failure(mode: str) -> str:
        folder = make_lambda("import missing_module\nasync def main(request):\n    return 1\n", name=mode)
        with pytest.raises(AssertionError) as failed:
            serve(folder, settings={"pool.preload": mode})
        text = str(failed.value)
        return text[text.index("lambdapool: the lambda does not start") :]

    assert failure("lambda") == failure("off")


def test_a_template_that_dies_costs_no_worker_and_is_replaced(serve):
    server = preloaded(serve, "echo", "host")
    worker = server.worker()
    (template,) = server.templates()

    os.kill(template, signal.SIGKILL)

    server.log.wait_for("^template ready$", count=2, within=20)
    assert server.worker() == worker
    assert server.post({}).status == 200
    # The end of a worker whose template is gone is noticed as that of any other.
    replaced(server)
    assert server.post({}).status == 200


def test_a_template_that_dies_again_and_again_is_given_up(serve):
    server = preloaded(serve, "echo", "host")
    for count in range(2, 5):
        os.kill(server.templates()[0], signal.SIGKILL)
        server.log.wait_for("^template ready$", count=count, within=20)

    os.kill(server.templates()[0], signal.SIGKILL)

    server.log.wait_for(WARNING, within=10)
    replaced(server)
    assert server.post({}).status == 200
    assert server.templates() == []


def test_a_template_that_does_not_answer_is_replaced_and_its_worker_starts(serve):
    server = preloaded(serve, "echo", "host")
    os.kill(server.templates()[0], signal.SIGSTOP)

    replaced(server)

    assert server.post({}).status == 200
    server.log.wait_for("^template process is gone, another is started$", within=10)
    server.log.wait_for("^template ready$", count=2, within=20)


def test_a_reload_brings_a_template_of_the_new_code(serve, make_lambda):
    folder = make_lambda("async def main(request):\n    return 1\n")
    server = preloaded(serve, folder, "lambda")
    (template,) = server.templates()
    (folder / "lambda_main.py").write_text("async def main(request):\n    return 22\n")
    replaced(server)
    assert server.post({}).json() == 1, "until the reload the lambda is as it was"

    server.send_signal(signal.SIGHUP)

    server.log.wait_for("^reloaded$", within=20)
    assert server.post({}).json() == 22
    eventually(lambda: template not in server.templates(), what="the end of the old template")
    assert len(server.templates()) == 1
    replaced(server)
    assert server.post({}).json() == 22


def test_a_reload_that_fails_leaves_the_old_template(serve, make_lambda):
    folder = make_lambda("async def main(request):\n    return 1\n")
    server = preloaded(serve, folder, "lambda")
    server.allow(".")
    before = server.templates()
    (folder / "lambda_main.py").write_text("async def main(:\n")

    server.send_signal(signal.SIGHUP)

    server.log.wait_for("^reload failed", within=20)
    eventually(lambda: server.templates() == before, what="the old template alone")
    replaced(server)
    assert server.post({}).json() == 1


@pytest.mark.bound(240)
def test_three_hundred_deaths_leave_nothing(serve, make_lambda):
    source = "import os\nasync def main(request):\n    return os._exit(3) if request.json else 1\n"
    server = preloaded(serve, make_lambda(source), "lambda", settings={"quarantine.deaths": 0})
    (template,) = server.templates()
    before = processes.descriptors(server.pid), processes.descriptors(template)

    for _ in range(300):
        assert server.post({"die": True}, timeout=30).status == 500

    server.log.wait_for("^worker died$", count=300, within=30)
    # A worker that is being forked still has the template's name.
    eventually(lambda: server.templates() == [template], what="the template alone")
    server.check()
    assert len(processes.descriptors(server.pid)) <= len(before[0])
    assert len(processes.descriptors(template)) == len(before[1])


def test_what_a_dead_worker_has_left_is_reaped(serve, make_lambda, tmp_path):
    told = tmp_path / "orphan"
    folder = make_lambda(
        f"""
        import os

        async def main(request):
            orphan = os.fork()
            if orphan == 0:
                os.setsid()
                os.execvp("sleep", ["sleep", "0.2"])
            with open({str(told)!r}, "w") as file:
                file.write(f"{{orphan}}\\n")
            os._exit(0)
        """
    )
    server = preloaded(serve, folder, "host")

    server.post({})

    # It is adopted, and is no zombie when it has ended: `check` looks for those.
    eventually(lambda: not processes.stat(int(told.read_text())), what="the end of the orphan")
    server.check()


@pytest.mark.parametrize("mode", ["host", "lambda"])
def test_nothing_is_left_of_a_supervisor_that_is_killed(serve, mode):
    server = preloaded(serve, "sleeper", mode, workers=2)
    server.begin(seconds=60)
    family = [one.pid for one in processes.descendants(server.pid)]
    assert len(family) == 3

    server.process.kill()
    server.process.wait()

    try:
        eventually(lambda: not [pid for pid in family if processes.exists(pid)], 5.0, "no process left")
    finally:
        server.kill()
