"""`lambdapool pack DIR`: a lambda's archive, the same bytes whenever the files are the same."""

from __future__ import annotations

import argparse
import hashlib
import os
import stat
import tempfile
import zipfile
import zlib
from fnmatch import fnmatch
from typing import Iterator

from ..archive_directory import read_directory
from ..archive_frame import ArchiveError, Limits, printable
from .failure import Failure, reason
from .validate import tell

# Caches, version control, virtual environments, editors' and systems' own files.
_LEFT_OUT_FOLDERS = {
    "__pycache__", ".git", ".hg", ".svn", ".bzr", ".venv", "venv", ".idea", ".vscode", ".vs",
    ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".nox", ".ipynb_checkpoints", "__MACOSX",
}  # fmt: skip
_LEFT_OUT_FILES = ("*.pyc", "*.pyo", "*.swp", "*.swo", "*~", ".#*", "#*#", "._*", ".DS_Store", "Thumbs.db", ".git")

_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_MODE = stat.S_IFREG | 0o644
_LEVEL = 9
_UNIX = 3


def run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "lambdapool pack",
        description="Validates a lambda's folder and packs it as an archive. The same files give the same bytes. "
        "Caches, version control, virtual environments and editors' files stay outside.",
    )
    parser.add_argument("folder", metavar="DIR", help="the lambda's folder")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the archive to write; else the folder's name with .zip, never within it"
    )
    options = parser.parse_args(arguments)
    folder = options.folder
    if not os.path.isdir(folder):
        there = "is not a folder" if os.path.exists(folder) else "does not exist"
        raise Failure(f"{folder} {there}; give the folder of a lambda", 2)
    output = options.output or _output_beside(folder)
    _require_replaceable(output)
    status = tell(folder, folder)
    if status == 0:
        files = _collect(folder, output)
        _write(folder, files, output)
    return status


def _output_beside(folder: str) -> str:
    """NAME.zip in the current folder; from within the lambda, beside the lambda: an archive is no part of it."""
    real = os.path.realpath(folder)
    name = f"{os.path.basename(real)}.zip"
    within = os.path.commonpath([os.getcwd(), real]) == real
    return os.path.join(os.path.dirname(real), name) if within else name


def _require_replaceable(output: str) -> None:
    """Only an archive is replaced: a slip of the keyboard must not cost a source file."""
    if os.path.isdir(output):
        raise Failure(f"-o {output} is a folder; give the name of the archive to write", 2)
    if os.path.lexists(output) and not zipfile.is_zipfile(output):
        raise Failure(f"-o {output} exists and is no zip archive; remove it or give another name", 2)


def _collect(folder: str, output: str) -> list[str]:
    """The names of the files to pack, sorted, with slashes."""
    files: list[str] = []
    refused: list[str] = []
    for name, path in _walk(folder, ""):
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            refused.append(f"{printable(name)} is a link; put the file itself there")
        elif not stat.S_ISREG(mode):
            refused.append(f"{printable(name)} is neither a file nor a folder; remove it")
        elif not (os.path.exists(output) and os.path.samefile(path, output)):
            files.append(name)
    if refused:
        raise Failure("\n".join(refused))
    return sorted(files)


def _walk(root: str, folder: str) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(os.path.join(root, folder)) as entries:
            found = list(entries)
    except OSError as error:
        raise Failure(f"{printable(folder or root)} cannot be read ({reason(error)}); check its permissions") from None
    for entry in found:
        name = f"{folder}/{entry.name}" if folder else entry.name
        if entry.is_dir(follow_symlinks=False):
            is_environment = os.path.isfile(os.path.join(entry.path, "pyvenv.cfg"))
            if entry.name not in _LEFT_OUT_FOLDERS and not is_environment:
                yield from _walk(root, name)
        elif entry.name not in _LEFT_OUT_FOLDERS and not any(fnmatch(entry.name, each) for each in _LEFT_OUT_FILES):
            yield name, entry.path


def _write(folder: str, files: list[str], output: str) -> None:
    where = os.path.dirname(os.path.abspath(output))
    try:
        fd, temporary = tempfile.mkstemp(prefix=".lambdapool-pack-", dir=where)
    except OSError as error:
        raise Failure(f"{output} cannot be written ({reason(error)}); check the folder {where}") from None
    try:
        with os.fdopen(fd, "w+b") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name in files:
                    _add(archive, name, os.path.join(folder, name))
            file.seek(0)
            digest = hashlib.sha256(file.read()).hexdigest()
            file.seek(0)
            read_directory(os.path.basename(output), file, Limits())  # what `serve` would refuse is not written
            size = os.fstat(file.fileno()).st_size
            os.fchmod(file.fileno(), 0o644)
        os.replace(temporary, output)
    except ArchiveError as error:
        os.unlink(temporary)
        raise Failure("the archive could not be served: " + "\n".join(error.lines)) from None
    except OSError as error:
        os.unlink(temporary)
        raise Failure(f"{output} cannot be written ({reason(error)}); check the files and the disk's space") from None
    except BaseException:
        os.unlink(temporary)
        raise
    files_told = "1 file" if len(files) == 1 else f"{len(files)} files"
    print(f"wrote {output}: {files_told}, {size} bytes, sha256 {digest}")


def _add(archive: zipfile.ZipFile, name: str, path: str) -> None:
    limits = Limits()
    with open(path, "rb") as file:
        data = file.read(limits.max_file + 1)
    if len(data) > limits.max_file:
        raise Failure(f"{printable(name)} is larger than the {limits.max_file >> 20} MiB that a lambda's file may have")
    packed = len(zlib.compress(data, _LEVEL))
    # What shrinks to nearly nothing looks like an archive bomb where it is unpacked.
    worth_it = packed < len(data) < packed * limits.max_ratio // 2
    info = zipfile.ZipInfo(name, _TIMESTAMP)
    info.create_system = _UNIX
    info.external_attr = _MODE << 16
    info.compress_type = zipfile.ZIP_DEFLATED if worth_it else zipfile.ZIP_STORED
    try:
        archive.writestr(info, data, compresslevel=_LEVEL)
    except UnicodeEncodeError:
        raise Failure(f"the name {printable(name)} is not UTF-8; rename the file") from None
