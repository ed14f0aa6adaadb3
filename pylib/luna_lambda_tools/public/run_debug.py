"""Runs the lambda in the current folder and logs all it can: ``from luna_lambda_tools.public.run_debug import run``."""

from __future__ import annotations

from typing import NoReturn

from ..private.local_run import serve_current_folder

__all__ = ["run"]


def run(lambdaType: str = "standalone") -> NoReturn:
    """Like ``public.run.run``, with one worker and the log level debug.

    Source: LUNA manual, module ``luna_lambda_tools.public.run_debug``.
    """
    serve_current_folder(lambdaType, ["--workers", "1", "--log-level", "debug"])
