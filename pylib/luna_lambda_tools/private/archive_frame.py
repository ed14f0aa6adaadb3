"""The outside of a zip file: its end record and the length of its directory, and how its faults are told.

Checked before zipfile reads the directory, so that it reads one of bounded size and at the place it says.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass

_END = struct.Struct("<4s4H2LH")
_LOCATOR_64 = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL_LENGTHS = struct.Struct("<3H")

REPACK = "make the archive again with `lambdapool pack` or `zip`"


@dataclass(frozen=True)
class Limits:
    """What an archive may cost. Sizes in bytes; max_ratio is written bytes per archived byte, from 1 MiB on."""

    max_entries: int = 10_000
    max_total: int = 256 << 20
    max_file: int = 64 << 20
    max_ratio: int = 200


class ArchiveError(Exception):
    """The archive is refused; `lines` says why, one fault a line, ready to print."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def printable(name: str) -> str:
    """`name` as one short line: what does not print is escaped, the middle of a long one left out."""
    if len(name) > 120:
        name = name[:60] + "..." + name[-57:]
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in name)


def archive_error(archive: str, text: str) -> ArchiveError:
    """A fault of the whole archive."""
    return ArchiveError([f"{printable(archive)}: {text}"])


def entry_error(archive: str, name: str, text: str) -> ArchiveError:
    """A fault of one entry."""
    return ArchiveError([f"{printable(archive)}: entry '{printable(name)}': {text}"])


def too_many(archive: str, what: str, count: int, limits: Limits) -> ArchiveError:
    return archive_error(
        archive,
        f"holds {count} {what}, more than the {limits.max_entries} allowed; leave some out or raise max_entries",
    )


def check_frame(archive: str, fd: int, limits: Limits) -> int:
    """Checks the end record and counts the directory, so that zipfile reads one of bounded size. -> its offset"""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise archive_error(archive, "is not a regular file; give a zip archive")
    size = status.st_size
    if size == 0:
        raise archive_error(archive, f"is empty; {REPACK}")
    max_directory = max(1 << 20, limits.max_entries * 1024)
    if size > limits.max_total + max_directory:
        raise archive_error(
            archive, f"is {size} bytes, more than max_total ({limits.max_total}) allows; make it smaller or raise it"
        )
    tail_at = max(0, size - _END.size - 0xFFFF)
    tail = os.pread(fd, size - tail_at, tail_at)
    found = tail.rfind(b"PK\x05\x06")
    if found < 0:
        raise archive_error(archive, f"is not a zip archive, or its end is missing; {REPACK}")
    if found + _END.size > len(tail):
        raise archive_error(archive, f"is truncated; {REPACK}")
    end_at = tail_at + found
    _, disk, directory_disk, here, count, length, offset, comment = _END.unpack_from(tail, found)
    ends_at = end_at + _END.size + comment
    if ends_at != size:
        text = "is truncated" if ends_at > size else f"has {size - ends_at} bytes after its end"
        raise archive_error(archive, f"{text}; {REPACK}")

    directory_end = end_at
    locator = os.pread(fd, _LOCATOR_64.size, end_at - _LOCATOR_64.size) if end_at >= _LOCATOR_64.size else b""
    count_mask = 0xFFFF
    if locator[:4] == b"PK\x06\x07":
        directory_end = end_at - _LOCATOR_64.size - _END_64.size
        record = os.pread(fd, _END_64.size, directory_end) if directory_end >= 0 else b""
        if _LOCATOR_64.unpack(locator)[1:] != (0, directory_end, 1) or record[:4] != b"PK\x06\x06":
            raise archive_error(archive, f"has a damaged or unusual zip64 end; {REPACK}")
        narrow = (count, length, offset)
        _, _, _, _, disk, directory_disk, here, count, length, offset = _END_64.unpack(record)
        for small, wide, unused in zip(narrow, (count, length, offset), (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)):
            if small not in (unused, wide):
                raise archive_error(archive, f"has two ends that contradict each other; {REPACK}")
        count_mask = (1 << 64) - 1
    if disk or directory_disk or here != count:
        raise archive_error(archive, f"is one part of several; {REPACK} in one piece")
    if offset + length != directory_end:
        text = "has bytes before its first entry" if offset + length < directory_end else "is truncated"
        raise archive_error(archive, f"{text}, or its directory is damaged; {REPACK}")
    if length > max_directory:
        raise archive_error(
            archive, f"has a directory of {length} bytes, more than {max_directory}; use fewer or shorter names"
        )
    counted = _count_entries(os.pread(fd, length, offset), limits.max_entries)
    if counted > limits.max_entries:
        raise too_many(archive, "entries or more", counted, limits)
    if counted < 0 or counted & count_mask != count:
        raise archive_error(archive, f"its directory is damaged; {REPACK}")
    if counted == 0:
        raise archive_error(archive, "holds no entries; put lambda_main.py into it")
    return int(offset)


def _count_entries(directory: bytes, most: int) -> int:
    """The number of entries, counted no further than most + 1; -1 when the directory is not made of entries."""
    at, count = 0, 0
    while at < len(directory) and count <= most:
        if directory[at : at + 4] != b"PK\x01\x02" or at + 46 > len(directory):
            return -1
        name, extra, comment = _CENTRAL_LENGTHS.unpack_from(directory, at + 28)
        at += 46 + int(name) + int(extra) + int(comment)
        count += 1
    return count if at == len(directory) or count > most else -1
