"""Runs the lambda in the current folder: ``from luna_lambda_tools.public.run import run``."""

from __future__ import annotations

from typing import NoReturn

from ..private.local_run import serve_current_folder

__all__ = ["run"]


def run(lambdaType: str = "standalone") -> NoReturn:
    """Serves the current folder with lambdapool until it is stopped; this process becomes the server.

    Source: LUNA manual, page "Quick start guide".
    """
    serve_current_folder(lambdaType)
