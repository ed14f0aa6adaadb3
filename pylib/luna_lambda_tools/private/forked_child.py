"""The end of a forked child that has come back out of the lambda: its parent is the one that answers."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from . import log
from .failures import text_of, traceback_of


def leave(error: BaseException | None) -> NoReturn:
    """Ends the process as a script would end: sys.exit's status is honoured, an exception is logged."""
    status = 0
    if isinstance(error, SystemExit):
        code = error.code
        status = 0 if code is None else code if isinstance(code, int) else 1
        if code is not None and not isinstance(code, int):
            log.logger.error("a forked child exits: %s", text_of(error))
    elif error is not None:
        status = 1
        log.logger.error("in a forked child:\n%s", traceback_of(error))
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    os._exit(status & 0xFF)
