"""The commands that work on a lambda's source: `lambdapool validate`, `new` and `pack`.

What was asked for goes to standard output, everything else to standard error. The result is the exit status:
0 done, 1 the lambda (or the disk) is at fault, 2 the command line is.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Callable, NoReturn

from . import new, pack, validate
from .failure import Failure

INTERRUPTED = 128

_COMMANDS: dict[str, Callable[[list[str]], int]] = {"validate": validate.run, "new": new.run, "pack": pack.run}


def main(argv: list[str]) -> int:
    """argv = [COMMAND, argument...]."""
    command = _COMMANDS.get(argv[0]) if argv else None
    if command is None:
        given = f"unknown command '{argv[0]}'" if argv else "a command is missing"
        print(f"lambdapool: {given}; known are {', '.join(_COMMANDS)}", file=sys.stderr)
        return 2
    try:
        before = signal.signal(signal.SIGTERM, _terminate)  # so that temporary folders are removed
    except ValueError:  # not the main thread
        before = None
    try:
        return command(argv[1:])
    except Failure as failure:
        print(f"lambdapool {argv[0]}: {failure.text}", file=sys.stderr)
        return failure.status
    except SystemExit as end:  # argparse has told why
        return end.code if isinstance(end.code, int) else 2
    except KeyboardInterrupt:
        return INTERRUPTED + signal.SIGINT
    except BrokenPipeError:  # the reader has seen enough; the interpreter's own flush must not complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(INTERRUPTED + number)


__all__ = ["main"]
