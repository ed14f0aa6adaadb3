"""`lambdapool validate PATH`: every error of a lambda, one a line."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile

from .. import validation
from ..archive import unpack
from ..archive_frame import ArchiveError, Limits
from .failure import Failure, reason


def run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "lambdapool validate",
        description="Checks a lambda without running it. Prints every error as file:line: text, or one line that says "
        "that it is valid. Exits with 0 when it is, 1 when it is not, 2 when there is nothing to check.",
    )
    parser.add_argument("path", metavar="PATH", help="the lambda: a zip archive or a folder")
    path = parser.parse_args(arguments).path
    if os.path.isdir(path):
        return tell(path, path)
    if not os.path.exists(path):
        raise Failure(f"{path} does not exist; give a lambda's folder or zip archive", 2)
    with tempfile.TemporaryDirectory(prefix="lambdapool-validate-") as temporary:
        folder = os.path.join(temporary, "lambda")
        try:
            unpack(path, folder, Limits())
        except ArchiveError as error:
            name = os.path.basename(path)
            for line in error.lines:
                print(f"{name}:1:{line.removeprefix(name).removeprefix(':')}")
            return 1
        return tell(folder, path)


def tell(folder: str, name: str) -> int:
    """Prints what there is to say about the lambda in the folder; returns the exit status."""
    try:
        findings = validation.inspect(folder)
    except OSError as error:
        raise Failure(f"{name} cannot be read ({reason(error)}); check its permissions", 2) from None
    for note in findings.notes:
        print(f"note: {note}", file=sys.stderr)
    if findings.errors:
        print("\n".join(findings.errors))
        return 1
    print(f"{name}: valid {findings.type} lambda; routes: {_routes(findings)}")
    return 0


def _routes(findings: validation.Findings) -> str:
    told = ["POST /main"]
    for route in findings.routes:
        path = route.template.text if route.template is not None else f"of {route.handler} (line {route.line})"
        told.append(f"{'|'.join(route.methods)} {path}")
    return ", ".join(told)
