"""Log lines on their way out: the lambda's logger, the request id they carry, and where they go.

Inside the host every record ends in ``Channel.log``; elsewhere (unit tests of a lambda) it is printed to stderr.
No call here raises because of what it was given: a text that cannot be formatted is logged as such.
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import Any, Callable, MutableMapping

#: The request whose code runs: the number that it has between supervisor and worker, and its id; (0, "") outside of
#: requests. Awaits, child tasks and asyncio.to_thread inherit it.
request: ContextVar[tuple[int, str]] = ContextVar("luna_lambda_tools_request", default=(0, ""))

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_NAME = "luna_lambda_tools"
_LINE_FORMAT = "%(asctime)s %(levelname)s %(message)s"


class LunaLogger(logging.Logger):
    """A stdlib logger whose calls never raise and which dictConfig and fileConfig do not silence."""

    def _log(self, level: int, msg: object, args: Any, *rest: Any, **options: Any) -> None:
        options["stacklevel"] = options.get("stacklevel", 1) + 1
        try:
            super()._log(level, msg, args, *rest, **options)
        except Exception as error:  # for example `extra` with a key that records have, or a foreign handler that raises
            self._log_fault(level, f"{_safe_repr(msg)} (log call is at fault: {_safe_repr(error)})")

    def _log_fault(self, level: int, text: str) -> None:
        record = logging.LogRecord(self.name, level, "", 0, text, None, None)
        for handler in self.handlers:
            try:
                handler.handle(record)
            except Exception:
                pass

    def warn(self, msg: object, *args: Any, **options: Any) -> None:
        """The same as warning(); newer Pythons have dropped it."""
        options["stacklevel"] = options.get("stacklevel", 1) + 1
        self.warning(msg, *args, **options)

    @property
    def disabled(self) -> bool:
        """Always false: ``disable_existing_loggers`` of logging.config must not take a lambda's log away."""
        return False

    @disabled.setter
    def disabled(self, value: bool) -> None:
        pass


class RequestLogger(logging.LoggerAdapter):  # type: ignore[type-arg]
    """The logger bound to one request, whatever task or thread calls it."""

    def __init__(self, bound_request_id: str) -> None:
        super().__init__(logger, {"requestId": bound_request_id})
        self._request_id = bound_request_id

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        extra = kwargs.get("extra")
        kwargs["extra"] = {**extra, "requestId": self._request_id} if isinstance(extra, dict) else self.extra
        return msg, kwargs

    def warn(self, msg: object, *args: Any, **options: Any) -> None:
        """The same as warning(); newer Pythons have dropped it."""
        options["stacklevel"] = options.get("stacklevel", 1) + 1
        self.warning(msg, *args, **options)


class ChannelHandler(logging.Handler):
    """Hands records to the supervisor.

    It takes no lock, since the channel takes its own: a child forked while another thread logs cannot dead-lock on it.
    A record is sent once although both the lambda's logger and the root logger have this handler.
    """

    def __init__(self, send: Callable[[str, str, str], None]) -> None:
        super().__init__()
        self._send = send

    def createLock(self) -> None:
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        allowed = bool(self.filter(record))
        if allowed:
            self.emit(record)
        return allowed

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "sentByHost", False):
            return
        record.sentByHost = True
        bound = getattr(record, "requestId", None)
        self._send(_level_name(record.levelno), bound if isinstance(bound, str) else request.get()[1], text_of(record))


class _StandardErrorHandler(logging.Handler):
    """Prints to stderr as it is at that moment, unless the program has set up logging of its own."""

    def emit(self, record: logging.LogRecord) -> None:
        if logging.root.handlers or sys.stderr is None:
            return
        try:
            line = logging.Formatter(_LINE_FORMAT)
            stamp = line.formatTime(record)
            sys.stderr.write(f"{stamp} {record.levelname} {text_of(record)}\n")
            sys.stderr.flush()
        except Exception:  # a closed stderr is no reason to fail
            pass


def text_of(record: logging.LogRecord) -> str:
    """The record's message, then its traceback and stack when it has them."""
    try:
        text = record.getMessage()
    except Exception as error:
        text = f"{_safe_repr(record.msg)} % {_safe_repr(record.args)} (cannot be formatted: {type(error).__name__})"
    if record.name not in (_NAME, "root"):
        text = f"{record.name}: {text}"
    if record.exc_info and not record.exc_text:
        try:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        except Exception:
            record.exc_text = f"(traceback of {_safe_repr(record.exc_info)} cannot be formatted)"
    if record.exc_text:
        text = f"{text}\n{record.exc_text}"
    if record.stack_info:
        text = f"{text}\n{record.stack_info}"
    return text


def _safe_repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def _level_name(level: int) -> str:
    if level >= logging.ERROR:
        return "error"
    if level >= logging.WARNING:
        return "warning"
    return "info" if level >= logging.INFO else "debug"


def _make_logger() -> LunaLogger:
    previous = logging.getLoggerClass()
    logging.setLoggerClass(LunaLogger)
    try:
        made = logging.getLogger(_NAME)
    finally:
        logging.setLoggerClass(previous)
    made.setLevel(logging.INFO)
    made.addHandler(_StandardErrorHandler())
    assert isinstance(made, LunaLogger), f"{_NAME} is the name of a logger that someone else has made"
    return made


logger: LunaLogger = _make_logger()
_installed_level = logging.INFO  # what install or set_level has set last


def install(send: Callable[[str, str, str], None], level: str) -> None:
    """Sends all that is logged in this process, by whichever logger, through ``send(level, request_id, text)``."""
    global _installed_level
    _installed_level = _LEVELS.get(level, logging.INFO)
    handler = ChannelHandler(send)
    for target in (logger, logging.root):
        for old in [each for each in target.handlers if isinstance(each, (ChannelHandler, _StandardErrorHandler))]:
            target.removeHandler(old)
        target.addHandler(handler)
        target.setLevel(_installed_level)


def set_level(level: str) -> None:
    """Follows the operator while the lambda runs. A level that the lambda has set by itself stays."""
    global _installed_level
    before, _installed_level = _installed_level, _LEVELS.get(level, logging.INFO)
    for target in (logger, logging.root):
        if target.level == before:
            target.setLevel(_installed_level)


def uninstall() -> None:
    """Undoes install()."""
    for target in (logger, logging.root):
        for old in [each for each in target.handlers if isinstance(each, ChannelHandler)]:
            target.removeHandler(old)
    logger.addHandler(_StandardErrorHandler())
    logger.setLevel(logging.INFO)
    logging.root.setLevel(logging.WARNING)
