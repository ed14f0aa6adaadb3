"""What a lambda zip says it holds, checked before a byte of it is written.

zipfile reads the directory; everything it lets through is checked here: it believes any number of entries,
cuts names at a NUL, takes bytes before and after the archive, and never looks whether two entries share bytes.
`read_directory` returns only entries that are safe to write, or raises ArchiveError with every fault of every name.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from typing import IO, Iterator, NamedTuple
from zipfile import BadZipFile, ZipFile, ZipInfo

from luna_lambda_tools.private.archive_frame import (
    REPACK,
    ArchiveError,
    Limits,
    archive_error,
    check_frame,
    printable,
    too_many,
)

MAX_LINES = 20
MAX_COMPONENT = 255
MAX_PATH = 4096
MAX_DEPTH = 100
RATIO_FLOOR = 1 << 20

STORED = 0
DEFLATED = 8
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_PATCH = 0x20
_DESCRIPTOR = 0x8
_UTF8 = 0x800

_LOCAL = struct.Struct("<4s5H3L2H")
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile("[\x00-\x1f\x7f]")


class Entry(NamedTuple):
    """One entry that passed the checks. `path` is relative and normal; a folder has no data."""

    path: str
    is_folder: bool
    method: int
    crc: int
    data_at: int
    packed: int
    size: int


class _Faults:
    """Collects faults; raises them together, at most MAX_LINES lines and a count of the others."""

    def __init__(self, archive: str) -> None:
        self._archive = printable(archive)
        self._lines: list[str] = []
        self._more = 0

    def entry(self, name: str, text: str) -> None:
        self.add(f"{self._archive}: entry '{printable(name)}': {text}")

    def add(self, line: str) -> None:
        if len(self._lines) < MAX_LINES:
            self._lines.append(line)
        else:
            self._more += 1

    def check(self) -> None:
        if self._more:
            self._lines.append(f"{self._archive}: and {self._more} more")
        if self._lines:
            raise ArchiveError(self._lines)


def read_directory(archive: str, file: IO[bytes], limits: Limits) -> list[Entry]:
    """Every entry of the open archive, in its order, all checked. `archive` is its name in the errors."""
    fd = file.fileno()
    directory_at = check_frame(archive, fd, limits)
    try:
        infos = ZipFile(file).infolist()
    except (BadZipFile, NotImplementedError, EOFError, ValueError, struct.error) as error:
        raise archive_error(archive, f"its directory is damaged ({printable(str(error))}); {REPACK}") from error

    faults = _Faults(archive)
    tree = _Tree(limits)
    entries: list[Entry] = []
    spans: list[tuple[int, int, str]] = []
    total = 0
    for info in infos:
        name = _decoded(info.orig_filename, info.flag_bits)
        is_folder = name.endswith("/")
        total += info.file_size
        path, fault = _checked_path(name)
        fault = (
            fault
            or _kind_fault(info.external_attr >> 16, is_folder)
            or _data_fault(info.flag_bits, info.compress_type, info.compress_size, info.file_size, is_folder, limits)
        )
        data_at = 0
        if not fault:
            data_at, fault = _local_header(fd, info)
        if not fault and path:
            fault = tree.add(path, is_folder)
        if fault:
            faults.entry(name, fault)
            continue
        spans.append((info.header_offset, data_at + info.compress_size, name))
        if path:
            entries.append(
                Entry(path, is_folder, info.compress_type, info.CRC, data_at, info.compress_size, info.file_size)
            )
    for path in tree.files_that_are_folders():
        faults.entry(path, f"is a file and a folder at once; {REPACK}")
    for name in _overlaps(spans, directory_at):
        faults.entry(name, f"shares bytes with another entry or with the directory; {REPACK}")
    faults.check()

    if total > limits.max_total:
        raise archive_error(
            archive,
            f"unpacks to {total} bytes, more than the {limits.max_total} allowed; make it smaller or raise max_total",
        )
    if tree.count() > limits.max_entries:
        raise too_many(archive, "files and folders", tree.count(), limits)
    if spans and min(spans)[0] != 0:
        raise archive_error(archive, f"has bytes before its first entry; {REPACK}")
    return entries


def _raw(name: str, flags: int) -> bytes:
    return name.encode("utf-8" if flags & _UTF8 else "cp437")


def _decoded(name: str, flags: int) -> str:
    """Many tools write UTF-8 and do not say so: what is UTF-8 is taken as such, the rest as the format's cp437."""
    if flags & _UTF8 or name.isascii():
        return name
    try:
        return _raw(name, flags).decode("utf-8")
    except UnicodeDecodeError:
        return name


def _checked_path(name: str) -> tuple[str, str]:
    """-> (normal relative path, "") or ("", what is wrong). "./" alone is the archive's root: ("", "")."""
    if not name:
        return "", f"has no name; {REPACK}"
    if _CONTROL.search(name):
        return "", "has a control character in its name; rename it"
    if "\\" in name:
        return "", "has a backslash in its name; use / between folders"
    if name.startswith("/") or _DRIVE.match(name):
        return "", "has an absolute name; use a name relative to the archive's root"
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        return "", "would be written outside of its folder (..); use a name without .."
    if not parts and not name.endswith("/"):
        return "", f"has no name; {REPACK}"
    if len(parts) > MAX_DEPTH:
        return "", f"lies {len(parts)} folders deep, more than {MAX_DEPTH}; use fewer folders"
    path = "/".join(parts)
    if any(len(part.encode("utf-8", "surrogatepass")) > MAX_COMPONENT for part in parts):
        return "", f"has a name of more than {MAX_COMPONENT} bytes; shorten it"
    if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH:
        return "", f"has a path of more than {MAX_PATH} bytes; shorten it"
    return path, ""


def _kind_fault(mode: int, is_folder: bool) -> str:
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        return "is a symbolic link; put the file itself into the archive (zip without -y)"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a device, pipe or socket; leave it out"
    if kind and (kind == stat.S_IFDIR) != is_folder:
        return f"is a folder by its name or by its mode, but not by both; {REPACK}"
    return ""


def _data_fault(flags: int, method: int, packed: int, size: int, is_folder: bool, limits: Limits) -> str:
    if flags & _ENCRYPTED:
        return "is encrypted; make the archive without a password"
    if flags & _PATCH:
        return f"is a patch, not a file; {REPACK}"
    if method not in (STORED, DEFLATED):
        return f"is packed by method {method}; use deflate or no compression"
    if is_folder and (size or (packed and method == STORED)):
        return f"is a folder with contents; {REPACK}"
    if method == STORED and packed != size:
        return f"is stored, but its two sizes differ; {REPACK}"
    if size > limits.max_file:
        return f"has {size} bytes, more than the {limits.max_file} allowed; make it smaller or raise max_file"
    if size > RATIO_FLOOR and size > packed * limits.max_ratio:
        return f"unpacks to more than {limits.max_ratio} times its size; store it uncompressed or raise max_ratio"
    return ""


def _local_header(fd: int, info: ZipInfo) -> tuple[int, str]:
    """-> (where the data begin, what is wrong). The header before the data must say what the directory says."""
    raw = _raw(info.orig_filename, info.flag_bits)
    try:
        head = os.pread(fd, _LOCAL.size + len(raw), info.header_offset)
    except (OSError, OverflowError):
        head = b""
    if len(head) < _LOCAL.size + len(raw) or head[:4] != b"PK\x03\x04":
        return 0, f"has no header before its data; {REPACK}"
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(head)
    if name_length != len(raw) or head[_LOCAL.size :] != raw:
        return 0, f"has another name before its data; {REPACK}"
    if method != info.compress_type or flags & (_ENCRYPTED | _PATCH):
        return 0, f"is packed in another way than the directory says; {REPACK}"
    if not flags & _DESCRIPTOR:
        known = (info.CRC, info.compress_size, info.file_size)
        for here, there in zip((crc, packed, size), known):
            if here not in (there, 0xFFFFFFFF):
                return 0, f"has another size or checksum before its data; {REPACK}"
    return info.header_offset + _LOCAL.size + name_length + extra_length, ""


class _Tree:
    """The files and folders that the names make. Implied folders count: a name can imply very many."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.max_entries
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._listed: set[str] = set()

    def add(self, path: str, is_folder: bool) -> str:
        if path in self._listed:
            return f"is there more than once; {REPACK}"
        self._listed.add(path)
        if is_folder:
            self._folders.add(path)
        else:
            self._files.add(path)
        cut = path.rfind("/")
        while cut > 0 and self.count() <= self._most:
            folder = path[:cut]
            if folder in self._folders:
                break
            self._folders.add(folder)
            cut = path.rfind("/", 0, cut)
        return ""

    def count(self) -> int:
        return len(self._files) + len(self._folders)

    def files_that_are_folders(self) -> list[str]:
        return sorted(self._files & self._folders)


def _overlaps(spans: list[tuple[int, int, str]], directory_at: int) -> Iterator[str]:
    end = 0
    for begins, ends, name in sorted(spans):
        if begins < end or ends > directory_at:
            yield name
        end = max(end, ends)
