"""The lambda's files: whether the main file is where it must be, and the Python files beside it."""

from __future__ import annotations

import os
from typing import Iterator

from .. import configuration
from ..start_failure import StartFailure
from .report import Report
from .source import SourceError, check

MAIN_FILE = "lambda_main.py"
_STATIC = "static"
_MOST_FOLDERS = 50
_SKIPPED = {"__pycache__", "node_modules", "__MACOSX"}


def has_main_file(root: str, report: Report) -> bool:
    if os.path.isfile(os.path.join(root, MAIN_FILE)):
        package = MAIN_FILE.removesuffix(".py")
        if os.path.isfile(os.path.join(root, package, "__init__.py")):
            report.add(MAIN_FILE, 1, f"the package {package}/ is imported in place of {MAIN_FILE}; rename the package")
        return True
    try:
        names = sorted(os.listdir(root))
    except OSError as error:
        report.add(MAIN_FILE, 1, f"the folder {root} cannot be read ({error.strerror}); check its permissions")
        return False
    if MAIN_FILE in names:
        report.add(MAIN_FILE, 1, f"{MAIN_FILE} is not a file; it must be the lambda's source")
        return False
    folder = _folder_with_main(root)
    if folder is not None:
        text = f"{MAIN_FILE} is in folder {folder}/; it must be in the root: pack what is inside of {folder}/"
        report.add(MAIN_FILE, 1, text)
        return False
    for name in names:
        if name.lower() == MAIN_FILE:
            report.add(MAIN_FILE, 1, f"the file is called {name}; rename it to {MAIN_FILE}")
            return False
    report.add(MAIN_FILE, 1, f"{MAIN_FILE} is missing; it must be in the root of the lambda's folder or archive")
    return False


def _folder_with_main(root: str) -> str | None:
    """The first folder below with the main file, the upper ones first; a few are looked into, not a whole disk."""
    waiting = [""]
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            return None
        folder = waiting.pop(0)
        try:
            with os.scandir(os.path.join(root, folder)) as entries:
                below = sorted(each.name for each in entries if each.is_dir(follow_symlinks=not folder))
        except OSError:
            continue
        for name in below:
            if name in _SKIPPED or name.startswith("."):
                continue
            path = os.path.join(folder, name)
            if os.path.isfile(os.path.join(root, path, MAIN_FILE)):
                return path
            waiting.append(path)
    return None


def check_configuration(root: str, report: Report) -> None:
    try:
        configuration.read(root)
    except StartFailure as failure:
        place, line, text = _place(failure.text)
        report.add(place, line, text)
    misnamed = configuration.misnamed(root)
    if misnamed:
        report.note(misnamed, 1, f"is not read; the lambda's configuration is called {configuration.FILE_NAME}")


def _place(text: str) -> tuple[str, int, str]:
    """``file:12: text``, ``file: text`` and ``file text``, taken apart."""
    rest = text.removeprefix(configuration.FILE_NAME)
    number, colon, after = rest.removeprefix(":").partition(": ")
    if rest.startswith(":") and colon and number.isdigit():
        return configuration.FILE_NAME, int(number), after
    return configuration.FILE_NAME, 1, rest.removeprefix(":").strip()


def check_modules(root: str, budget: int | None, report: Report) -> None:
    """Compiles every Python file but the main one; the first ``budget`` bytes of them, or all."""
    for file in _python_files(root):
        path = os.path.join(root, file)
        try:
            size = os.stat(path).st_size
        except OSError as error:
            report.add(file, 1, f"cannot be read ({error.strerror}); remove the link or check the file")
            continue
        if budget is not None:
            budget -= size
            if budget < 0:
                return
        try:
            check(path)
        except SourceError as error:
            report.add(file, error.line, error.text)


def _python_files(root: str) -> Iterator[str]:
    """Those of the upper folders first. What is hidden, virtual environments and static files hold no modules:
    macOS puts ``._part.py`` into its archives, Emacs ``.#part.py`` beside what it edits.
    """
    waiting = [""]
    while waiting:
        folder = waiting.pop(0)
        try:
            with os.scandir(os.path.join(root, folder)) as entries:
                found = sorted(entries, key=lambda each: each.name)
        except OSError:
            continue
        for entry in found:
            name = os.path.join(folder, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if not _is_skipped(root, name, entry.name):
                    waiting.append(name)
            elif entry.name.endswith(".py") and not entry.name.startswith(".") and name != MAIN_FILE:
                yield name


def _is_skipped(root: str, folder: str, name: str) -> bool:
    return (
        name in _SKIPPED
        or name.startswith(".")
        or folder == _STATIC
        or os.path.isfile(os.path.join(root, folder, "pyvenv.cfg"))
    )
