"""The lambda's logger, in the host and outside."""

import logging
import logging.config
import subprocess
import sys

import pytest

from luna_lambda_tools import logger
from luna_lambda_tools.private import log


@pytest.fixture
def lines():
    """Everything that is logged, as (level, request id, text)."""
    sent = []
    log.install(lambda *line: sent.append(line), "info")
    yield sent
    log.uninstall()


def test_every_level_arrives_under_its_name(lines):
    log.install(lambda *line: lines.append(line), "debug")
    for name in ("debug", "info", "warning", "warn", "error", "critical"):
        getattr(logger, name)("%s %d", name, 1)
    logger.log(25, "between")
    assert [(level, text) for level, _, text in lines] == [
        ("debug", "debug 1"),
        ("info", "info 1"),
        ("warning", "warning 1"),
        ("warning", "warn 1"),
        ("error", "error 1"),
        ("error", "critical 1"),
        ("info", "between"),
    ]


@pytest.mark.parametrize("level, count", [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_operators_level_holds(lines, level, count):
    log.install(lambda *line: lines.append(line), level)
    for name in ("debug", "info", "warning", "error"):
        getattr(logger, name)("x")
    assert len(lines) == count
    assert logger.isEnabledFor(logging.DEBUG) is (level == "debug")


def log_all(log_to=logger):
    for name in ("debug", "info", "warning", "error"):
        getattr(log_to, name)(name)


def test_the_level_can_be_changed_later(lines):
    log.set_level("error")
    log_all()
    log_all(logging.getLogger("another"))
    log.set_level("debug")
    log_all()
    assert [text for _, _, text in lines] == ["error", "another: error", "debug", "info", "warning", "error"]


def test_a_level_that_the_lambda_has_set_stays(lines):
    logger.setLevel(logging.WARNING)
    log.set_level("debug")
    log_all()
    log_all(logging.root)
    assert [text for _, _, text in lines] == ["warning", "error", "debug", "info", "warning", "error"]


def test_the_supervisor_changes_the_level_of_a_running_lambda(hosted):
    async def drive(channel):
        await channel.ask()
        channel.on_log_level("debug")
        await channel.ask()

    source = "async def main(request):\n    logger.debug('fine')\n"
    channel = hosted.write("from luna_lambda_tools import logger\n" + source).run(drive)
    assert [line.text for line in channel.lines].count("fine") == 1


def test_the_traceback_follows_the_text(lines):
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("went wrong")
        logger.info("info too", exc_info=True)
    assert lines[0][0] == "error"
    for _, _, text in lines:
        assert text.splitlines()[1] == "Traceback (most recent call last):"
        assert text.endswith("ZeroDivisionError: division by zero")


class Broken:
    def __str__(self):
        raise ValueError("no text")

    __repr__ = __str__


@pytest.mark.parametrize(
    "call, expected",
    [
        (lambda: logger.info("%d", "a"), "'%d' % ('a',) (cannot be formatted: TypeError)"),
        (lambda: logger.info("no place", 1, 2), "'no place' % (1, 2) (cannot be formatted: TypeError)"),
        (lambda: logger.info("%s", Broken()), "cannot be formatted: ValueError"),
        (lambda: logger.info(Broken()), "<Broken>"),
        (lambda: logger.info("x", extra={"message": 1}), "'x' (log call is at fault: KeyError"),
        (lambda: logger.info("x", exc_info=(1, 2, 3)), "x\n"),
        (lambda: log.RequestLogger("id").info("%d", "a"), "cannot be formatted"),
    ],
)
def test_a_line_that_cannot_be_formatted_is_logged_and_raises_nothing(lines, monkeypatch, call, expected):
    monkeypatch.setattr(logging.root, "handlers", [])  # those of pytest raise on purpose
    call()
    [(_, _, text)] = lines
    assert expected in text


def test_a_foreign_handler_that_raises_harms_no_log_call(lines):
    class Raising(logging.Handler):
        def emit(self, record):
            raise OSError("disk full")

    handler = Raising()
    logger.addHandler(handler)
    try:
        logger.info("text")
    finally:
        logger.removeHandler(handler)
    assert lines == [("info", "", "text"), ("info", "", "'text' (log call is at fault: OSError('disk full'))")]


def test_the_root_logger_goes_the_same_way_with_the_names_of_loggers(lines):
    logging.getLogger("aiohttp.client").warning("from %s", "aiohttp")
    logging.warning("from the root")
    logging.getLogger("noisy").debug("not this")
    assert lines == [("warning", "", "aiohttp.client: from aiohttp"), ("warning", "", "from the root")]


def test_a_line_is_sent_once(lines):
    logger.info("once")
    assert len(lines) == 1


@pytest.mark.parametrize(
    "configure",
    [
        lambda: logging.config.dictConfig({"version": 1}),
        lambda: logging.config.dictConfig({"version": 1, "root": {"level": "CRITICAL"}}),
        lambda: logging.basicConfig(level=logging.ERROR, force=True),
    ],
)
def test_a_lambda_that_configures_logging_keeps_its_logger(lines, configure, capsys):
    before = list(logging.root.handlers)
    try:
        configure()
        logger.info("still here")
    finally:
        logging.root.handlers[:] = before
    assert ("info", "", "still here") in lines


def test_records_know_their_caller():
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger.addHandler(handler)
    try:
        logger.info("a")
        logger.warn("b")
        log.RequestLogger("id").info("c")
        log.RequestLogger("id").warn("d")
    finally:
        logger.removeHandler(handler)
    assert [record.filename for record in records] == ["test_logger.py"] * 4
    first = records[0].lineno
    assert [record.lineno for record in records] == [first, first + 1, first + 2, first + 3]


def test_a_bound_logger_keeps_its_id_and_the_callers_extra(lines):
    log.RequestLogger("an id").info("x", extra={"more": 1})
    assert lines == [("info", "an id", "x")]


def test_the_request_id_follows_the_code_of_a_request(hosted):
    async def drive(channel):
        ids = [f"id {n}" for n in range(3)]
        numbers = [channel.send(request_id=each, body=each) for each in ids]
        for number in numbers:
            await channel.answer(number)
        for each in ids:
            mine = [line.text for line in channel.lines if line.request_id == each]
            assert sorted(mine) == sorted(f"{each} {where}" for where in ("first", "awaited", "task", "thread", "own", "root"))

    hosted.write(
        """
import asyncio, logging
from luna_lambda_tools import logger
async def child(name):
    await asyncio.sleep(0)
    logger.info(f"{name} task")
async def main(request):
    name = request.json
    logger.info(f"{name} first")
    await asyncio.sleep(0.001)
    logger.info(f"{name} awaited")
    await asyncio.create_task(child(name))
    await asyncio.to_thread(logger.info, f"{name} thread")
    request.logger.info(f"{name} own")
    logging.info(f"{name} root")
    return {}
"""
    ).run(drive)


def test_a_bound_logger_in_a_bare_thread_still_carries_the_id(hosted):
    async def drive(channel):
        await channel.ask(request_id="the id")
        assert (await channel.line("from a thread")).request_id == "the id"

    hosted.write(
        """
import threading
async def main(request):
    thread = threading.Thread(target=request.logger.info, args=("from a thread",))
    thread.start()
    thread.join()
    return {}
"""
    ).run(drive)


def test_on_start_has_no_request_id(hosted):
    hosted.write(
        "from luna_lambda_tools import logger\nclass UserCtx:\n    async def onStart(self):\n        logger.info('s')\n"
        "async def main(request):\n    return {}\n"
    )
    [line] = hosted.run().lines
    assert (line.level, line.request_id, line.text) == ("info", "", "s")


@pytest.mark.parametrize(
    "setup, expected",
    [("", " INFO seen\n"), ("logging.basicConfig(format='own %(message)s', level=20)", "own seen\n")],
)
def test_outside_the_host_lines_go_to_stderr_once(setup, expected):
    from conftest import PYLIB

    program = (
        f"import sys, logging; sys.path.insert(0, {str(PYLIB)!r}); from luna_lambda_tools import logger\n{setup}\n"
        "logger.info('seen'); logger.debug('not seen')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == ""
    assert done.stderr.endswith(expected)
    assert done.stderr.count("\n") == 1


def test_print_is_left_alone(hosted, capsys):
    async def drive(channel):
        await channel.ask()

    channel = hosted.write("async def main(request):\n    print('printed')\n    return {}\n").run(drive)
    assert capsys.readouterr().out == "printed\n"
    assert channel.lines == []
