"""Lambdas that cannot be served: `serve` says why, in one clear line, and does not start."""

import os
import re
import signal
import subprocess
import time

import pytest

from support import processes
from support.lambdapool import Lambdapool, reads_files_at_each_start, run

GOOD_MAIN = "async def main(request):\n    return {}\n"


def refused(path, *settings: str, within: float = 15.0) -> str:
    """Serves what cannot be served; gives what standard error says."""
    arguments = [part for one in settings for part in ("--set", one)]
    result = run("serve", path, "--port", "0", *arguments, within=within)
    assert result.returncode not in (0, None), result.stderr
    assert result.returncode > 0, f"it was ended by a signal: {result.returncode}"
    assert "listening on" not in result.stdout
    assert result.stderr.strip(), "it says nothing"
    assert processes.end_orphans(Lambdapool.running) == []
    return result.stderr


def line_with(text: str, *parts: str) -> str:
    """The one line that has all the parts; the reader must not have to put it together."""
    found = [line for line in text.splitlines() if all(part in line for part in parts)]
    assert found, f"no line with {parts} in:\n{text}"
    return found[0]


# ---------------------------------------------------------------------- the path


def test_a_path_that_is_not_there_is_named(tmp_path):
    line_with(refused(tmp_path / "nothing"), str(tmp_path / "nothing"))


def test_a_file_that_is_no_archive_is_named(tmp_path):
    file = tmp_path / "lambda.zip"
    file.write_text("not a zip")

    line_with(refused(file), "lambda.zip")


def test_an_empty_archive_is_named(tmp_path):
    file = tmp_path / "lambda.zip"
    file.write_bytes(b"")

    line_with(refused(file), "lambda.zip")


def test_a_folder_without_a_main_file_is_told(make_lambda):
    folder = make_lambda(None, other__py=GOOD_MAIN)

    line_with(refused(folder), "lambda_main.py")


def test_a_main_file_in_a_folder_below_is_pointed_out(make_lambda):
    folder = make_lambda(None)
    (folder / "inner").mkdir()
    (folder / "inner" / "lambda_main.py").write_text(GOOD_MAIN)

    line_with(refused(folder), "lambda_main.py", "inner")


# ---------------------------------------------------------------------- the code


def test_a_syntax_error_is_told_with_file_and_line(make_lambda):
    folder = make_lambda("import os\n\nasync def main(request)\n    return {}\n")

    line_with(refused(folder), "lambda_main.py:3")


def test_a_syntax_error_in_another_module_is_told_with_its_file(make_lambda):
    folder = make_lambda("import other\n" + GOOD_MAIN, other__py="x = 1\ny = (\n")

    line_with(refused(folder), "other.py:2")


def test_an_exception_while_loading_is_told_with_its_line(make_lambda):
    folder = make_lambda("x = 1\ny = 1 / 0\n" + GOOD_MAIN)
    text = refused(folder)

    line_with(text, "division by zero")
    assert re.search(r'lambda_main\.py(:|", line )2', text), text


def test_a_module_that_is_not_there_is_named(make_lambda):
    folder = make_lambda("import a_module_that_nobody_has\n" + GOOD_MAIN)

    line_with(refused(folder), "a_module_that_nobody_has")


def test_no_main_is_told(make_lambda):
    line_with(refused(make_lambda("x = 1\n")), "lambda_main.py", "main")


def test_a_main_that_is_not_asynchronous_is_told_with_its_line(make_lambda):
    folder = make_lambda("x = 1\n\ndef main(request):\n    return {}\n")

    line_with(refused(folder), "lambda_main.py:3", "async")


@pytest.mark.parametrize(
    "main", ["main = 7\n", "class main:\n    pass\n", "async def main():\n    return {}\n"]
)
def test_a_main_that_is_no_handler_is_told(make_lambda, main):
    line_with(refused(make_lambda(main)), "main")


def test_a_context_that_cannot_be_made_is_told(make_lambda):
    folder = make_lambda("class UserCtx:\n    def __init__(self, needs):\n        pass\n\n" + GOOD_MAIN)

    assert "UserCtx" in refused(folder)


@pytest.mark.parametrize(
    ("config", "line"),
    [("a: [1\nb: 2\n", None), ("a: 1\n b: 2\n", 2), ("a: 1\nb: {\n", None), ("\ta: 1\n", 1)],
)
def test_a_bad_configuration_file_is_told(make_lambda, config, line):
    folder = make_lambda(GOOD_MAIN)
    (folder / "lambda_config.yml").write_text(config)

    found = line_with(refused(folder), "lambda_config.yml")
    if line is not None:
        assert f"lambda_config.yml:{line}" in found


def test_a_configuration_that_would_run_code_is_refused(make_lambda, tmp_path):
    folder = make_lambda(GOOD_MAIN)
    harm = tmp_path / "harm"
    (folder / "lambda_config.yml").write_text(f'a: !!python/object/apply:os.mkdir ["{harm}"]\n')

    line_with(refused(folder), "lambda_config.yml")
    assert not harm.exists()


# ---------------------------------------------------------------------- onStart


def on_start(body: str) -> str:
    return (
        "import asyncio, ctypes, os, sys, time\n\n"
        "class UserCtx:\n    async def onStart(self):\n        " + body + "\n\n" + GOOD_MAIN
    )


def test_an_on_start_that_raises_is_told_with_its_traceback(make_lambda):
    text = refused(make_lambda(on_start('raise RuntimeError("no database")')))

    line_with(text, "onStart", "no database")
    assert re.search(r'lambda_main\.py(:|\\?", line )5', text), text


def test_an_on_start_that_exits_by_exception_is_told(make_lambda):
    line_with(refused(make_lambda(on_start("sys.exit(3)"))), "onStart")


@pytest.mark.parametrize("wait", ["await asyncio.sleep(3600)", "time.sleep(3600)"])
def test_an_on_start_that_hangs_is_told_after_its_time(make_lambda, wait):
    began = time.monotonic()
    text = refused(make_lambda(on_start(wait)), "pool.start_timeout=1s")

    assert time.monotonic() - began < 5
    assert "onStart" in text
    line_with(text, "1000 ms")


def test_an_on_start_that_awaits_for_ever_is_told_with_its_line(make_lambda):
    text = refused(make_lambda(on_start("await asyncio.sleep(3600)")), "pool.start_timeout=1s")

    line_with(text, "1000 ms", "onStart waits at lambda_main.py:5 in onStart: await asyncio.sleep(3600)")


def test_an_on_start_that_blocks_is_told_with_its_line(make_lambda):
    text = refused(make_lambda(on_start("time.sleep(3600)")), "pool.start_timeout=1s")

    line_with(text, "lambda_main.py:5 in onStart")


@pytest.mark.parametrize("status", [0, 3])
def test_an_on_start_that_ends_the_process_is_told(make_lambda, status):
    line_with(refused(make_lambda(on_start(f"os._exit({status})"))), f"exited with status {status}")


def test_an_on_start_that_segfaults_is_told(make_lambda):
    text = refused(make_lambda(on_start("ctypes.string_at(0)")))

    line_with(text, "signal 11 (SIGSEGV)", "lambda_main.py:5")


def test_code_that_ends_the_process_while_loading_is_told(make_lambda):
    line_with(refused(make_lambda("import os\nos._exit(0)\n" + GOOD_MAIN)), "exited with status 0")


def test_code_that_hangs_while_loading_is_told(make_lambda):
    text = refused(make_lambda("import time\ntime.sleep(3600)\n" + GOOD_MAIN), "pool.start_timeout=1s")

    assert "lambda_main.py" in text


def test_a_loop_that_cannot_turn_is_told_once_and_ends_the_start(make_lambda):
    """The loop needs descriptors; without them it fails each time that it is run."""
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (5, 5))\n"

    text = refused(make_lambda(limit + GOOD_MAIN))

    line_with(text, "the lambda does not start", "the event loop does not run", "Too many open files")
    assert text.count("left the event loop") <= 2


def test_a_lambda_that_starts_only_once_keeps_serving(serve, make_lambda):
    """What one worker has proved is not taken back because its replacement fails."""
    folder = make_lambda(
        """
        import os

        class UserCtx:
            async def onStart(self):
                if os.path.exists(os.path.join(os.path.dirname(__file__), "broken")):
                    raise RuntimeError("broken now")

        async def main(request):
            return {"pid": os.getpid()}
        """
    )
    server = serve(
        folder,
        workers=2,
        settings={"pool.restart_backoff": "50ms", "pool.restart_backoff_max": "200ms"},
    )
    server.allow(".")
    (folder / "broken").touch()
    os.kill(server.workers()[0], signal.SIGKILL)
    server.log.wait_for("lambda does not start", count=2)

    for _ in range(10):
        assert server.post().status == 200
    (folder / "broken").unlink()
    server.wait_for_workers(2, within=10)


@reads_files_at_each_start
def test_failing_starts_come_ever_more_slowly(serve, make_lambda):
    folder = make_lambda(
        """
        import os

        if os.path.exists(os.path.join(os.path.dirname(__file__), "broken")):
            raise RuntimeError("broken now")

        async def main(request):
            return {}
        """
    )
    server = serve(folder, settings={"pool.queue_timeout": "1s"})
    server.allow(".")
    (folder / "broken").touch()
    os.kill(server.worker(), signal.SIGKILL)

    # Nobody can serve it; it is told so in time, and the machine is not kept busy with starting.
    refused_ = server.post()
    assert refused_.status == 503
    assert refused_.header("Retry-After")
    assert refused_.header("Lambda-Error") in ("no_worker", "invalid_lambda", "queue_timeout")
    assert len(server.log.find("lambda does not start")) <= 6

    (folder / "broken").unlink()
    server.wait_for_workers(1, within=10)
    server.log.wait_for("worker ready", count=2, within=10)
    assert server.post().status == 200


def test_an_environment_without_the_requirements_is_told_by_template_and_worker_alike(make_lambda, tmp_path):
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)

    told = refused(make_lambda(GOOD_MAIN), f"lambda.venv={tmp_path / 'venv'}")

    line_with(told, "no template process", "cannot import luna_lambda_tools.private.host", "multidict")
    line_with(told, "lambdapool: the lambda does not start", "multidict", "--system-site-packages")
