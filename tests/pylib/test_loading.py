"""What the start of a lambda that cannot run says."""

import subprocess
import sys

import pytest

GOOD = "async def main(request):\n    return {}\n"


def test_packages_without_init_and_relative_imports_work(hosted):
    async def drive(channel):
        assert (await channel.ask()).json == [1, "one"]

    hosted.write("variable = 1\n", "path/fileinpath2.py")
    hosted.write("from .fileinpath2 import variable\n", "path/fileinpath1.py")
    hosted.write("ONE = 'one'\n", "file1.py")
    hosted.write(
        "from path import fileinpath1\nfrom file1 import ONE\n"
        "async def main(request):\n    return [fileinpath1.variable, ONE]\n"
    ).run(drive)


@pytest.mark.parametrize(
    "head, annotation",
    [
        ("", ": StandaloneLambdaRequest"),
        ("", ": 'StandaloneLambdaRequest'"),
        ("", ""),
        ("from __future__ import annotations\n", ": StandaloneLambdaRequest"),
        ("from __future__ import annotations\nimport luna_lambda_tools as tools\n", ": tools.StandaloneLambdaRequest"),
    ],
)
def test_annotations_that_mean_standalone(hosted, head, annotation):
    source = f"{head}from luna_lambda_tools import StandaloneLambdaRequest\nasync def main(r{annotation}):\n    return 1\n"
    assert hosted.write(source).run().readiness == ("standalone", "asyncio")


def test_a_request_class_imported_for_type_checkers_only_is_known_by_its_name(hosted):
    hosted.write(
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from luna_lambda_tools import StandaloneLambdaRequest\n"
        "async def main(request: StandaloneLambdaRequest) -> Unknown:\n    return 1\n"
    )
    assert hosted.run().readiness == ("standalone", "asyncio")


@pytest.mark.parametrize("main", ["partial(work, 1)", "Callable()", "decorator(plain)"])
def test_other_callables_may_be_main(hosted, main):
    async def drive(channel):
        assert (await channel.ask()).json == "done"

    hosted.write(
        f"""
from functools import partial, wraps
async def work(one, request):
    return "done"
async def plain(request):
    return "done"
class Callable:
    async def __call__(self, request):
        return "done"
def decorator(function):
    @wraps(function)
    def call(request):
        return function(request)
    return call
main = {main}
"""
    ).run(drive)


def test_the_line_of_a_decorated_function_is_that_of_its_def(hosted):
    hosted.write("def same(f):\n    return f\n@same\n@same\ndef main(request):\n    return {}\n")
    assert hosted.fails()[1].startswith("lambda_main.py:5: main is not asynchronous")


def test_what_validation_finds_fails_the_load_a_line_each(hosted):
    hosted.write("def main(request): pass\nUserCtx = 5\n").write("x = (\n", "part.py")
    channel = hosted.run()
    assert channel.failure == (
        "load",
        'lambda_main.py:1: main is not asynchronous; write "async def main"\n'
        'lambda_main.py:2: UserCtx is 5; it must be a class: write "class UserCtx"\n'
        "part.py:1: SyntaxError: '(' was never closed",
        "",
    )


def test_a_lambda_that_is_not_valid_is_not_imported(hosted, tmp_path):
    hosted.write(f"open({str(tmp_path / 'harm')!r}, 'w')\ndef main(request): pass\n").run()
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "source, text",
    [
        ("x = 1\n1 / 0\n", "lambda_main.py:2: ZeroDivisionError: division by zero"),
        ("def f():\n    raise ValueError('two\\nlines')\nf()\n", "lambda_main.py:2: ValueError: two lines"),
        (
            "import sys\nsys.exit(3)\n",
            "lambda_main.py:2: SystemExit: 3 ended the import; a lambda must not exit while it is imported",
        ),
        ("raise KeyboardInterrupt\n", "lambda_main.py:1: KeyboardInterrupt ended the import"),
        ("raise BaseException('odd')\n", "lambda_main.py:1: BaseException: odd"),
        (
            "\nimport no_such_package.part\n",
            "lambda_main.py:2: No module named 'no_such_package'; put no_such_package into the lambda or install it "
            "into the virtual environment given with --venv",
        ),
        (
            "from .part import x\n",
            "lambda_main.py:1: ImportError: attempted relative import with no known parent package; "
            "modules beside lambda_main.py are imported by their names, without a dot",
        ),
        ("from os import no_such\n", "lambda_main.py:1: ImportError: cannot import name 'no_such' from 'os'"),
        ("compile('x = (', 'generated', 'exec')\n", "generated:1: SyntaxError: '(' was never closed"),
    ],
)
def test_an_import_that_fails(hosted, source, text):
    stage, told, _ = hosted.write(source + GOOD).fails()
    assert stage == "load"
    assert told.startswith(text)


DECORATED = "def replaced(function):\n    {}\n    return new\n@replaced\nasync def main(request):\n    return {{}}\n"


@pytest.mark.parametrize(
    "source, text",
    [
        (GOOD + "del main\n", "lambda_main.py: main is None or was removed while the lambda was imported"),
        (GOOD + "globals()['main'] = 5\n", "lambda_main.py: main is an int; it must be an async function"),
        (DECORATED.format("def new(request): pass"), 'lambda_main.py:2: main is not asynchronous; write "async def main"'),
        (DECORATED.format("async def new(request): yield"), "lambda_main.py:2: main is an async generator"),
        (DECORATED.format("async def new(): pass"), "lambda_main.py:2: main cannot be called with one argument"),
        (
            GOOD + "class UserCtx:\n    def __init__(self):\n        raise ValueError('no')\n",
            "lambda_main.py:5 in __init__: ValueError: no",
        ),
        (
            GOOD + "class UserCtx:\n    def __init__(self):\n        raise SystemExit\n",
            "lambda_main.py:5 in __init__: SystemExit",
        ),
        (
            GOOD + "class A: pass\nUserCtx = A()\n",
            'lambda_main.py: UserCtx is an A; it must be a class: write "class UserCtx"',
        ),
        (
            GOOD + "class UserCtx:\n    onStart = 5\n",
            "lambda_main.py: UserCtx.onStart is an int; it must be an async function",
        ),
        (
            GOOD + "class UserCtx:\n    @property\n    def onStart(self):\n        return 1 / 0\n",
            "lambda_main.py:6 in onStart: ZeroDivisionError: division by zero",
        ),
        (
            GOOD + "UserCtx = type('UserCtx', (), {'onStart': lambda self: None})\n",
            "lambda_main.py:3: UserCtx.onStart is not asynchronous; write \"async def onStart\"",
        ),
    ],
)
def test_what_only_the_import_shows(hosted, source, text):
    stage, told, _ = hosted.write(source).fails()
    assert stage == "load"
    assert told.startswith(text), told


def test_a_bad_module_that_validation_does_not_read_is_named_by_the_import(hosted):
    hosted.write("x = (\n", ".hidden/part.py")
    _, text, traceback = hosted.write(f"import sys\nsys.path.append(__file__[:-14] + '.hidden')\nimport part\n{GOOD}").fails()
    assert text == ".hidden/part.py:1: SyntaxError: '(' was never closed"
    assert "lambda_main.py" in traceback


def test_the_traceback_of_a_failed_import_begins_in_the_lambda(hosted):
    _, _, traceback = hosted.write(f"def f():\n    1 / 0\nf()\n{GOOD}").fails()
    lines = traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "lambda_main.py" in lines[1]
    assert lines[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("error, shown", [("ValueError('text')", "ValueError: text"), ("SystemExit(3)", "SystemExit: 3")])
def test_a_failing_on_start(hosted, error, shown):
    source = f"{GOOD}class UserCtx:\n    async def onStart(self):\n        raise {error}\n"
    stage, text, traceback = hosted.write(source).fails()
    assert stage == "onStart"
    assert text == f"lambda_main.py:5 in onStart: {shown}"
    assert traceback.endswith(shown)


def test_ready_comes_after_on_start(hosted):
    hosted.write(
        GOOD
        + """
import asyncio
from luna_lambda_tools import logger
class UserCtx:
    async def onStart(self):
        await asyncio.sleep(0.01)
        logger.info("started")
"""
    )
    events = hosted.run()
    assert events.texts() == ["started"]
    assert events.readiness is not None


def test_the_user_context_is_made_inside_the_running_loop(hosted):
    hosted.write(f"{GOOD}import asyncio\nclass UserCtx:\n    def __init__(self):\n        asyncio.get_running_loop()\n")
    assert hosted.run().readiness is not None


def test_asyncio_run_at_import_time_does_no_harm(hosted):
    async def drive(channel):
        assert (await channel.ask()).status == 200

    hosted.write(f"import asyncio\nasyncio.run(asyncio.sleep(0))\n{GOOD}").run(drive)


def test_a_loop_that_cannot_be_had_is_a_load_failure(hosted, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    stage, text, _ = hosted.write(GOOD).fails(event_loop="uvloop")
    assert stage == "load"
    assert "worker.event_loop is uvloop" in text and "auto" in text


def test_auto_without_uvloop_is_asyncio(hosted, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert hosted.write(GOOD).run(event_loop="auto").readiness == ("standalone", "asyncio")


SHADOWED = ["json", "asyncio", "logging", "typing", "email", "signal", "traceback", "ast", "queue", "uvloop", "yaml", "linecache"]


@pytest.mark.parametrize("loop", ["asyncio", "auto"])
def test_modules_of_the_lambda_named_like_the_standard_librarys_do_not_break_the_host(hosted, tmp_path, loop):
    for name in SHADOWED:
        hosted.write("raise RuntimeError('the host has imported the module of the lambda')\n", f"{name}.py")
    hosted.write("a: 1\n", "lambda_config.yml")
    hosted.write(
        """
async def main(request):
    if "multipart" in request.content_type:
        return [request.form.get("f"), request.cookies.get("c"), request.args.get("q"), request.url]
    return 1 / request.json["by"]
"""
    )
    from conftest import HERE, PYLIB

    program = f"""
import sys
sys.path[:0] = [{str(PYLIB)!r}, {str(HERE)!r}]
from fake_channel import HostedLambda
from pathlib import Path
async def drive(channel):
    assert (await channel.ask(body={{"by": 1}})).body == b"1.0"
    answer = await channel.ask(body={{"by": 0}})
    assert answer.detail == "division by zero", answer
    headers = [("Content-Type", "multipart/form-data; boundary=b"), ("Cookie", "c=C"), ("Host", "h")]
    body = b'--b\\r\\nContent-Disposition: form-data; name="f"\\r\\n\\r\\nF\\r\\n--b--\\r\\n'
    answer = await channel.ask(headers=headers, body=body, query=b"q=Q")
    assert answer.json[:3] == ["F", "C", "Q"], answer
HostedLambda(Path({str(tmp_path)!r})).run(drive, event_loop={loop!r})
print("fine")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr


def test_the_host_is_quick_to_import(tmp_path):
    from conftest import PYLIB

    program = (
        f"import sys; sys.path.insert(0, {str(PYLIB)!r}); import luna_lambda_tools.private.host; "
        "print([n for n in ('yaml', 'uvloop', 'pydantic', 'email', 'http.cookies', 'typing_extensions') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
