"""Unpacks a lambda's zip into a new folder, or leaves nothing.

Every name is checked before the first byte is written (archive_directory.py); the files then go into a fresh
folder beside the target, which takes its name only when all is written and every checksum is right.
The data are unpacked here and not by zipfile, which stops at the size that an entry declares and so cannot see
that there is more. Nothing is synced to disk: after a power cut the archive is unpacked again.

Runs in a process of its own: `python -m luna_lambda_tools.private.archive ARCHIVE FOLDER [key=value...]`.
"""

from __future__ import annotations

import os
import signal
import sys
import zlib
from dataclasses import fields
from types import FrameType
from typing import Iterator, NoReturn

from luna_lambda_tools.private.archive_directory import DEFLATED, RATIO_FLOOR, Entry, read_directory
from luna_lambda_tools.private.archive_frame import (
    REPACK,
    ArchiveError,
    Limits,
    archive_error,
    entry_error,
    printable,
)

__all__ = ["ArchiveError", "Limits", "main", "unpack"]

_CHUNK = 1 << 18
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_PATH = 4095


class _Terminated(BaseException):
    """SIGTERM as an exception, so that the half-written folder is removed on the way out."""


def unpack(archive: str, folder: str, limits: Limits) -> None:
    """Makes `folder`, which must not exist, with the contents of the zip file `archive`.

    Files get mode 0644, folders 0755 and `folder` itself 0700, whatever the archive or the umask says.
    Raises ArchiveError (lines for people) when the archive is refused or cannot be written; nothing is left then.
    """
    name = os.path.basename(archive) or archive
    folder = os.path.abspath(folder)
    try:
        # O_NONBLOCK: opening a named pipe must not wait for its writer.
        file = os.fdopen(os.open(archive, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb")
    except (OSError, ValueError) as error:
        raise archive_error(name, f"cannot be opened ({_reason(error)}); check the path and its permissions") from error
    with file:
        try:
            entries = read_directory(name, file, limits)
        except OSError as error:
            raise archive_error(name, f"cannot be read ({_reason(error)}); check the disk") from error
        if os.path.lexists(folder):
            raise archive_error(name, f"cannot be unpacked: '{printable(folder)}' exists; remove it or name another")
        _unpack_into(name, file.fileno(), entries, folder, limits)


def _unpack_into(name: str, fd: int, entries: list[Entry], folder: str, limits: Limits) -> None:
    # Beside the target: a rename does not leave the file system. The name is hard to guess, the mode keeps others out.
    fresh = os.path.join(os.path.dirname(folder), f".unpack-{os.urandom(8).hex()}")
    for entry in entries:
        if len(os.fsencode(fresh)) + 1 + len(entry.path.encode("utf-8", "surrogatepass")) > _MAX_PATH:
            raise entry_error(name, entry.path, f"has a path too long below '{printable(folder)}'; shorten it")
    try:
        os.mkdir(fresh, 0o700)
        os.chmod(fresh, 0o700)
        _write_all(name, fd, entries, fresh, limits)
        os.rename(fresh, folder)
    except OSError as error:
        _remove(fresh)
        raise archive_error(
            name, f"cannot be unpacked into '{printable(folder)}' ({_reason(error)}); check its space and permissions"
        ) from error
    except BaseException:
        _remove(fresh)
        raise


def _remove(folder: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(text)


def _write_all(name: str, fd: int, entries: list[Entry], root: str, limits: Limits) -> None:
    made: set[str] = set()
    written = 0
    for entry in entries:
        _make_folders(root, entry.path if entry.is_folder else os.path.dirname(entry.path), made)
        if not entry.is_folder:
            written += _write_file(name, fd, entry, os.path.join(root, entry.path), limits)
        elif entry.packed:
            for _ in _contents(name, fd, entry):
                pass
        if written > limits.max_total:
            raise archive_error(
                name, f"unpacks to more than the {limits.max_total} bytes allowed; make it smaller or raise max_total"
            )


def _make_folders(root: str, path: str, made: set[str]) -> None:
    missing = []
    while path and path not in made:
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        os.mkdir(os.path.join(root, folder), 0o755)
        os.chmod(os.path.join(root, folder), 0o755)
        made.add(folder)


def _write_file(name: str, fd: int, entry: Entry, path: str, limits: Limits) -> int:
    written = 0
    target = os.open(path, _NEW_FILE, 0o600)
    try:
        for piece in _contents(name, fd, entry):
            written += len(piece)
            if written > limits.max_file:
                raise entry_error(
                    name, entry.path, f"has more than the {limits.max_file} bytes allowed; shorten it or raise max_file"
                )
            if written > RATIO_FLOOR and written > entry.packed * limits.max_ratio:
                raise entry_error(
                    name,
                    entry.path,
                    f"unpacks to more than {limits.max_ratio} times its size; store it uncompressed or raise max_ratio",
                )
            view = memoryview(piece)
            while view:
                view = view[os.write(target, view) :]
        os.fchmod(target, 0o644)
    finally:
        os.close(target)
    return written


def _contents(name: str, fd: int, entry: Entry) -> Iterator[bytes]:
    """The entry's data in pieces of bounded size; they must be exactly what the directory declares."""
    written = crc = 0
    try:
        for piece in _inflated(fd, entry) if entry.method == DEFLATED else _packed(fd, entry):
            written += len(piece)
            if written > entry.size:
                raise entry_error(
                    name, entry.path, f"holds more than the {entry.size} bytes that the directory declares; {REPACK}"
                )
            crc = zlib.crc32(piece, crc)
            yield piece
    except (zlib.error, EOFError) as error:
        raise entry_error(name, entry.path, f"is damaged ({printable(str(error))}); {REPACK}") from error
    if written != entry.size:
        raise entry_error(name, entry.path, f"holds {written} bytes, but declares {entry.size}; {REPACK}")
    if crc != entry.crc:
        raise entry_error(name, entry.path, f"is damaged (wrong checksum); {REPACK}")


def _packed(fd: int, entry: Entry) -> Iterator[bytes]:
    at, end = entry.data_at, entry.data_at + entry.packed
    while at < end:
        piece = os.pread(fd, min(_CHUNK, end - at), at)
        if not piece:
            raise EOFError("its data end early")
        at += len(piece)
        yield piece


def _inflated(fd: int, entry: Entry) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in _packed(fd, entry):
        # What does not fit into one piece of output waits in unconsumed_tail: memory stays bounded.
        while piece and not inflater.eof:
            output = inflater.decompress(piece, _CHUNK)
            piece = inflater.unconsumed_tail
            if output:
                yield output
        if inflater.eof and (piece or inflater.unused_data):
            raise EOFError("bytes follow its compressed data")
    while not inflater.eof:
        output = inflater.decompress(b"", _CHUNK)
        if not output:
            raise EOFError("its compressed data end early")
        yield output


def _limits(arguments: list[str]) -> Limits:
    """key=value arguments -> Limits. Raises ValueError with a text for people."""
    known = [field.name for field in fields(Limits)]
    values: dict[str, int] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key not in known:
            names = ", ".join(f"{name}=N" for name in known)
            raise ValueError(f"unknown argument '{printable(argument)}'; known are {names}")
        if not (value.isascii() and value.isdigit() and len(value) <= 18 and int(value) > 0):
            raise ValueError(f"{key} must be a whole number above 0, not '{printable(value)}'")
        values[key] = int(value)
    return Limits(**values)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise _Terminated()


def main(argv: list[str]) -> int:
    """argv = [ARCHIVE, FOLDER, key=value...]. -> 0 unpacked; 1 refused, a line per fault on stderr; 2 usage."""
    try:
        if len(argv) < 2 or not argv[0] or not argv[1]:
            raise ValueError("usage: unpack ARCHIVE FOLDER [max_entries=N] [max_total=N] [max_file=N] [max_ratio=N]")
        limits = _limits(argv[2:])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        before = signal.signal(signal.SIGTERM, _terminate)
    except ValueError:  # Not the main thread: then the caller sees to signals.
        before = None
    try:
        unpack(argv[0], argv[1], limits)
        return 0
    except ArchiveError as error:
        print("\n".join(error.lines), file=sys.stderr)
    except (_Terminated, KeyboardInterrupt):
        print(f"{printable(os.path.basename(argv[0]))}: unpacking was interrupted; nothing is left", file=sys.stderr)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
