"""What every process test has: servers that are checked and ended, lambdas, a bound on its time."""

import signal
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from support import processes
from support.lambdapool import LAMBDAS, PROGRAMS, Lambdapool, end_all

DEFAULT_BOUND = 60.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", default="1/1", help="I/N: of every N tests only the I-th")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part, parts = map(int, config.getoption("--part").split("/"))
    kept = items[part - 1 :: parts]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def pytest_configure(config: pytest.Config) -> None:
    processes.become_subreaper()
    if not (PROGRAMS / "lambdapool").exists():
        raise pytest.UsageError(f"no lambdapool in {PROGRAMS}: build it, or set LAMBDAPOOL_BIN")


def pytest_sessionfinish() -> None:
    end_all()


class OutOfTime(Exception):
    """The test is over its bound."""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    marker = item.get_closest_marker("bound")
    bound = marker.args[0] if marker else DEFAULT_BOUND

    def on_alarm(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTime(f"the test is not done within {bound} s")

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, bound)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


Serve = Callable[..., Lambdapool]


def ended_and_checked(servers: list[Lambdapool]) -> None:
    """Checks and stops each server; shows the first failure, but ends all of them."""
    failure: BaseException | None = None
    for server in servers:
        try:
            if server.process.poll() is None:
                server.check()
            server.stop()
        except BaseException as error:  # A failed check must not leave servers behind.
            failure = failure or error
            server.kill()
    if failure is not None:
        raise failure


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server; what it must be true of after the test is checked, then it is stopped."""
    servers: list[Lambdapool] = []

    def start(*arguments: Any, **keywords: Any) -> Lambdapool:
        servers.append(Lambdapool(*arguments, **keywords))
        return servers[-1]

    yield start
    ended_and_checked(servers)


@pytest.fixture(scope="module")
def serve_module() -> Iterator[Serve]:
    """Like `serve`, for servers that all tests of a file share. Those tests call `check` after each."""
    servers: list[Lambdapool] = []

    def start(*arguments: Any, **keywords: Any) -> Lambdapool:
        servers.append(Lambdapool(*arguments, **keywords))
        return servers[-1]

    yield start
    ended_and_checked(servers)


@pytest.fixture
def make_lambda(tmp_path: Path) -> Callable[..., Path]:
    """Writes a lambda's folder: its lambda_main.py and further files by name."""

    def make(source: str | None, name: str = "made", **files: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        if source is not None:
            (folder / "lambda_main.py").write_text(textwrap.dedent(source).lstrip("\n"))
        for file, text in files.items():
            (folder / file.replace("__", ".")).write_text(textwrap.dedent(text).lstrip("\n"))
        return folder

    return make


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[[str], Path]:
    """Packs a lambda of tests/lambdas as an archive, as users do."""

    def pack(name: str) -> Path:
        folder, archive = LAMBDAS / name, tmp_path / f"{name}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(folder.rglob("*")):
                if "__pycache__" not in file.parts:
                    packed.write(file, file.relative_to(folder))
        return archive

    return pack


@pytest.fixture(scope="module")
def front(serve_module: Callable[..., Lambdapool]) -> Lambdapool:
    """A server that says what it was asked, for the cheap cases of a whole file."""
    return serve_module("echo")


@pytest.fixture(scope="module")
def sleepy(serve_module: Callable[..., Lambdapool]) -> Lambdapool:
    """A server whose answers take as long as they are told to."""
    return serve_module("sleeper")


@pytest.fixture(autouse=True)
def shared_servers_stay_whole(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for name in ("front", "sleepy"):
        if name in request.fixturenames:
            request.getfixturevalue(name).check()
