"""`lambdapool new NAME`: a lambda to begin with, and its test.

The files are those of templates/TYPE, whose names end in .template; {{name}} and {{quoted_name}} stand for the name.
"""

from __future__ import annotations

import argparse
import os
import shutil

from .failure import Failure, reason

TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates")
_SUFFIX = ".template"


def run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "lambdapool new", description="Makes a folder with a lambda that runs, its configuration, a README and a test."
    )
    parser.add_argument("name", metavar="NAME", help="the folder to make; its last part is the lambda's name")
    parser.add_argument("--type", default="standalone", metavar="TYPE", help=f"{' or '.join(available())}")
    options = parser.parse_args(arguments)
    _require_type(options.type)
    folder = options.name
    files = _files(os.path.join(TEMPLATES, options.type), _lambda_name(folder))
    _write(folder, files)
    for name in sorted(files):
        print(os.path.join(folder, name))
    return 0


def available() -> list[str]:
    """The types that there are templates for."""
    return sorted(os.listdir(TEMPLATES))


def _require_type(type_: str) -> None:
    if type_ in available():
        return
    raise Failure(f"--type {type_}: there is no such type; there are: {', '.join(available())}", 2)


def _lambda_name(folder: str) -> str:
    name = os.path.basename(os.path.normpath(folder)) if folder else ""
    if name in ("", ".", "..") or not name.isprintable():
        raise Failure(f"'{folder}' names no folder that could be made; give a name like my_lambda", 2)
    return name


def _files(templates: str, name: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for template in os.listdir(templates):
        with open(os.path.join(templates, template), encoding="utf-8") as file:
            text = file.read()
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        files[template.removesuffix(_SUFFIX)] = text.replace("{{quoted_name}}", quoted).replace("{{name}}", name)
    return files


def _write(folder: str, files: dict[str, str]) -> None:
    try:
        os.mkdir(folder)
    except FileExistsError:
        raise Failure(f"{folder} exists; choose another name or remove it") from None
    except FileNotFoundError:
        parent = os.path.dirname(folder.rstrip("/"))
        raise Failure(f"there is no folder {parent} to make it in; make that first") from None
    except OSError as error:
        raise Failure(f"{folder} cannot be made ({reason(error)}); check the permissions") from None
    try:
        for name, text in files.items():
            with open(os.path.join(folder, name), "x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Failure(f"{folder} cannot be written ({reason(error)}); check the disk's space") from None
