"""Workers that the system's python3 runs (`worker.interpreter: system`): the same in all but who runs them."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from support import processes
from support.errors import assert_error
from support.lambdapool import INTERPRETER, PROGRAMS, environment, sanitized
from support.wait import eventually

LIBRARY = PROGRAMS.parent / "lib" / "lambdapool" / "lambdapool-worker.so"
MODES = ["off", "host", "lambda"]

pytestmark = pytest.mark.skipif(sanitized(), reason="a sanitizer would have to be in python3")

# All that a lambda can see of the interpreter, the process and how both were set up.
VIEW = """
import codecs, gc, locale, os, signal, site, subprocess, sys, sysconfig, threading, warnings

async def main(request):
    return {
        "sys": {
            name: repr(getattr(sys, name))
            for name in ("path", "flags", "argv", "orig_argv", "executable", "_base_executable", "prefix", "exec_prefix",
                         "base_prefix", "base_exec_prefix", "platlibdir", "version", "warnoptions", "_xoptions",
                         "builtin_module_names", "pycache_prefix", "hash_info", "thread_info")
        },
        "modules": sorted(sys.modules),
        "main": sorted(vars(sys.modules["__main__"])),
        "encodings": [sys.getfilesystemencoding(), sys.getfilesystemencodeerrors(), sys.getdefaultencoding(),
                      locale.getpreferredencoding(False), locale.setlocale(locale.LC_CTYPE), locale.setlocale(locale.LC_ALL)],
        "streams": [(stream.encoding, stream.errors, stream.line_buffering, stream.fileno())
                    for stream in (sys.stdin, sys.stdout, sys.stderr)],
        "site": [repr(site.ENABLE_USER_SITE), *site.getsitepackages(), *site.PREFIXES],
        "limits": [sys.getrecursionlimit(), sys.getswitchinterval(), sys.get_int_max_str_digits(), gc.get_threshold(),
                   gc.get_freeze_count() > 1000],
        "warnings": [repr(each) for each in warnings.filters],
        "signals": {number.name: repr(signal.getsignal(number)) for number in signal.valid_signals()
                    if isinstance(number, signal.Signals)},
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "environment": dict(os.environ),
        "child": subprocess.run(["/usr/bin/env"], stdout=subprocess.PIPE, text=True).stdout,
        "folder": os.getcwd(),
        "status": [line for line in open("/proc/self/status").read().splitlines()
                   if line.startswith(("Name", "SigIgn", "SigBlk", "NoNewPrivs", "Umask"))],
        "score": open("/proc/self/oom_score_adj").read(),
        "descriptors": sorted(name + " " + os.readlink("/proc/self/fd/" + name).split(":")[0]
                              for name in os.listdir("/proc/self/fd") if name in "0123456789"),
        "threads": [thread.name for thread in threading.enumerate()],
    }
"""


def runs_on(pid: int) -> str:
    return os.path.basename(os.path.realpath(f"/proc/{pid}/exe"))


@pytest.fixture
def system(serve):
    """Starts a server whose workers are run by the system's python3."""

    def start(path, mode="host", settings=None, **keywords):
        settings = {"worker.interpreter": "system", "pool.preload": mode, **(settings or {})}
        return serve(path, settings=settings, **keywords)

    return start


@pytest.mark.parametrize("mode", MODES)
def test_worker_and_template_are_processes_of_the_system_s_python(system, mode):
    server = system("echo", mode)

    pids = [*server.workers(), *server.templates()]

    assert len(pids) == (1 if mode == "off" else 2)
    assert {runs_on(pid) for pid in pids} == {os.path.basename(os.path.realpath("/usr/bin/python3"))}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("venv", [False, True])
def test_a_lambda_sees_the_same_interpreter_and_process_either_way(serve, make_lambda, tmp_path, mode, venv):
    folder = make_lambda(VIEW)
    settings = {"pool.preload": mode}
    if venv:
        subprocess.run(
            ["/usr/bin/python3", "-m", "venv", "--system-site-packages", "--without-pip", tmp_path / "venv"], check=True
        )
        settings["lambda.venv"] = tmp_path / "venv"
    # What must not have any effect, and would in a python3 that is started as usual.
    hostile = {"PYTHONPATH": "/nowhere", "PYTHONWARNINGS": "error", "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONHASHSEED": "0"}

    seen = {}
    for interpreter in ("embedded", "system"):
        server = serve(
            folder, settings={**settings, "worker.interpreter": interpreter}, extra_environment=hostile
        )
        seen[interpreter] = server.post().json()

    embedded, system = seen["embedded"], seen["system"]
    executable = embedded["sys"]["executable"]
    assert system.pop("sys") == embedded.pop("sys")
    assert system == embedded
    assert venv == (str(tmp_path) in executable)


@pytest.mark.parametrize("before", [None, "libm.so.6", "libm.so.6:libbz2.so.1.0"])
def test_what_the_user_preloads_is_preloaded_and_nothing_else_is_told_to_the_lambda(system, make_lambda, before):
    source = """
    import os

    async def main(request):
        with open("/proc/self/maps") as maps:
            return [os.environ.get("LD_PRELOAD"), "libbz2" in maps.read()]
    """

    server = system(make_lambda(source), "off", extra_environment={"LD_PRELOAD": before} if before else {})

    assert server.post().json() == [before, "libbz2" in (before or "")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name, sentence", [("segfault", "SIGSEGV"), ("exit", "exited with status")])
def test_a_crash_is_told_and_the_worker_replaced(system, make_lambda, mode, name, sentence):
    source = {
        "segfault": "import ctypes\nasync def main(request):\n    ctypes.string_at(0)\n",
        "exit": "import os\nasync def main(request):\n    os._exit(7)\n",
    }[name]
    server = system(make_lambda(source), mode, settings={"quarantine.deaths": 0})
    server.allow(".")
    worker = server.worker()

    response = server.post()

    assert_error(response, 500, 42004, "worker_crashed", sentence)
    if name == "segfault":
        assert "lambda_main.py:3" in response.json()["detail"]
    eventually(lambda: server.workers() not in ([], [worker]), 20, "another worker")
    assert runs_on(server.worker()).startswith("python3")


@pytest.mark.skipif(bool(INTERPRETER), reason="the command line, which says who, is above the file")
def test_a_reload_changes_who_runs_the_workers(serve, make_lambda, tmp_path):
    file = tmp_path / "lambdapool.yml"
    file.write_text("worker:\n  interpreter: embedded\n")
    server = serve("echo", "--config", str(file))
    assert runs_on(server.worker()) == "lambdapool-worker"

    file.write_text("worker:\n  interpreter: system\n")
    server.send_signal(signal.SIGHUP)
    server.log.wait_for("^reloaded$", generation=2, within=20)

    eventually(lambda: len(server.workers()) == 1, 20, "the old worker is gone")
    assert runs_on(server.worker()).startswith("python3")
    assert server.post({}).status == 200


# ---------------------------------------------------------------------- what can be missing


@pytest.fixture
def installation(tmp_path):
    """Makes a copy of the programs in a folder of that name; gives the folder."""

    def install(name: str) -> Path:
        folder = tmp_path / name
        (folder / "bin").mkdir(parents=True)
        (folder / "lib" / "lambdapool").mkdir(parents=True)
        (folder / "share" / "lambdapool").mkdir(parents=True)
        for program in ("lambdapool", "lambdapool-worker"):
            shutil.copy(PROGRAMS / program, folder / "bin")
        shutil.copy(LIBRARY, folder / "lib" / "lambdapool")
        pylib = PROGRAMS.parent / "share" / "lambdapool" / "pylib"
        (folder / "share" / "lambdapool" / "pylib").symlink_to(pylib.resolve())
        return folder

    return install


def refused(folder: Path, path: Path, mode: str) -> str:
    """Serves with that installation, in vain; gives the last line of its log."""
    ended = subprocess.run(
        [folder / "bin" / "lambdapool", "serve", path, "--port", "0", "--set", "worker.interpreter=system",
         "--set", f"pool.preload={mode}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=40, env=environment(),
    )  # fmt: skip
    assert ended.returncode > 0, ended
    assert processes.end_orphans({}) == []
    return ended.stderr


@pytest.mark.parametrize("mode", ["off", "host"])
def test_without_the_library_the_start_fails_with_its_path_and_the_key(installation, make_lambda, mode):
    folder = installation("there")
    library = folder / "lib" / "lambdapool" / "lambdapool-worker.so"
    library.unlink()

    said = refused(folder, make_lambda("async def main(request):\n    return 1\n"), mode)

    assert any(str(library) in line and "worker.interpreter" in line and "embedded" in line for line in said.splitlines()), said


def test_a_library_that_is_none_starts_nothing_of_the_users(installation, make_lambda):
    folder = installation("there")
    library = folder / "lib" / "lambdapool" / "lambdapool-worker.so"
    library.write_bytes(b"nothing")

    said = refused(folder, make_lambda("async def main(request):\n    return 1\n"), "off")

    assert str(library) in said


def test_a_folder_that_cannot_be_preloaded_from_is_told(installation, make_lambda):
    folder = installation("two words")

    said = refused(folder, make_lambda("async def main(request):\n    return 1\n"), "off")

    assert "space or a colon" in said
    assert "worker.interpreter" in said
