"""Starts lambdapool on the lambda in the current folder, in place of this process."""

from __future__ import annotations

import os
import shutil
import sys
from typing import NoReturn, Sequence

from .loading import MAIN_FILE, SERVED_TYPES
from .validation import classify

PROGRAM = "lambdapool"
VARIABLE = "LAMBDAPOOL"


def serve_current_folder(lambda_type: str, arguments: Sequence[str] = ()) -> NoReturn:
    """Becomes `lambdapool serve .`, so that signals and the exit status are its own. SystemExit says what is wrong."""
    if not os.path.isfile(MAIN_FILE):
        raise SystemExit(f"there is no {MAIN_FILE} in {os.getcwd()}; start this in the lambda's folder")
    served = ", ".join(SERVED_TYPES)
    if lambda_type not in SERVED_TYPES:
        raise SystemExit(f"lambdaType={lambda_type!r} is not supported; this version of lambdapool serves: {served}")
    found = classify(".")
    if found != lambda_type:
        raise SystemExit(f"{MAIN_FILE} is a {found} lambda, not a {lambda_type} one; write run(lambdaType={found!r})")
    program = find_program()
    command = [program, "serve", ".", *_environment(), *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execv(program, command)
    except OSError as error:
        raise SystemExit(f"{program} cannot be started: {error.strerror}") from None


def find_program() -> str:
    """The path of lambdapool: the variable's, then beside this library, beside Python, on PATH. May raise SystemExit."""
    named = os.environ.get(VARIABLE)
    if named:
        program = shutil.which(named)
        if program is None:
            raise SystemExit(f"{VARIABLE} is {named}, which is no program; set it to the path of {PROGRAM}")
        return os.path.abspath(program)
    # Installed, this file is PREFIX/share/lambdapool/pylib/luna_lambda_tools/private/local_run.py.
    folder = os.path.abspath(__file__)
    for _ in range(6):
        folder = os.path.dirname(folder)
    for prefix in (folder, sys.prefix, sys.base_prefix):
        program = shutil.which(os.path.join(prefix, "bin", PROGRAM))
        if program is not None:
            return program
    program = shutil.which(PROGRAM)
    if program is None:
        raise SystemExit(
            f"{PROGRAM} is not installed: it is not on PATH; install it or set {VARIABLE} to the path of the program"
        )
    return os.path.abspath(program)


def _environment() -> list[str]:
    """The virtual environment that this runs in, if it is one, so that the lambda finds its packages."""
    return ["--venv", sys.prefix] if sys.prefix != sys.base_prefix else []
