"""GET and HEAD /static/<path>: the files of the lambda's folder `static`.

Nothing outside the folder is ever opened: a path is decoded once, may hold no dots, backslashes or NULs that could lead
away, and what it names after all symbolic links must still lie inside.
"""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from typing import AsyncIterator, Iterable
from urllib.parse import unquote_to_bytes

from ..errors import METHOD_NOT_ALLOWED, NOT_FOUND, ErrorKind, HostError
from ..reply import Reply
from .conditions import ByteRange, has_changed, http_date, requested_range, strong_etag
from .media_types import media_type_of

PREFIX = b"/static/"
LARGEST_WHOLE = 1024 * 1024  # what is read at once, on the loop; more is streamed
CHUNK = 256 * 1024

RANGE_NOT_SATISFIABLE = ErrorKind(
    416, "range_not_satisfiable", 12031, "Bad/incomplete input data", "The range lies outside the file"
)

Headers = Iterable[tuple[str, str]]


@dataclass(slots=True)
class FileStream:
    """A part of an open file, to be sent piece by piece.

    The file is closed at the end of `chunks()`, whichever way it ends, by `close()`, or with the object.
    """

    status: int
    headers: list[tuple[str, str]]
    descriptor: int
    first: int
    length: int

    async def chunks(self) -> AsyncIterator[bytes]:
        """Reads in a thread, since a disk can make one wait. Raises OSError, also when the file has become shorter."""
        try:
            at, end = self.first, self.first + self.length
            while at < end:
                data = await asyncio.to_thread(os.pread, self.descriptor, min(CHUNK, end - at), at)
                if not data:
                    raise OSError(f"a file of the folder static became shorter while it was sent: {end - at} are left")
                at += len(data)
                yield data
        finally:
            self.close()

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __del__(self) -> None:
        self.close()


def static_reply(folder: str, method: str, path: bytes, headers: Headers) -> Reply | FileStream:
    """The file that a request's path, percent-encoded as it came, names in the folder.

    Raises HostError: NOT_FOUND, METHOD_NOT_ALLOWED, or RANGE_NOT_SATISFIABLE.
    """
    if method not in ("GET", "HEAD"):
        raise HostError(METHOD_NOT_ALLOWED, headers=(("Allow", "GET, HEAD"),))
    name = _file_of(folder, path)
    try:
        # Not blocking: a FIFO would wait for its writer. The last link has been followed by _file_of.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise HostError(NOT_FOUND) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise HostError(NOT_FOUND)
        answer = _answer(descriptor, status, name, method, headers)
    except BaseException:
        os.close(descriptor)
        raise
    if not isinstance(answer, FileStream):
        os.close(descriptor)
    return answer


def _file_of(folder: str, path: bytes) -> str:
    if not path.startswith(PREFIX):
        raise HostError(NOT_FOUND)
    try:
        parts = unquote_to_bytes(path[len(PREFIX) :]).decode().split("/")
    except UnicodeDecodeError:
        raise HostError(NOT_FOUND) from None
    if any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts):
        raise HostError(NOT_FOUND)
    try:
        inside = os.path.join(os.path.realpath(folder), "")
        name = os.path.realpath(os.path.join(inside, *parts), strict=True)
    except (OSError, ValueError):  # there is no such file, or its name is too long
        raise HostError(NOT_FOUND) from None
    if not name.startswith(inside):
        raise HostError(NOT_FOUND)
    return name


def _answer(
    descriptor: int, status: os.stat_result, name: str, method: str, headers: Headers
) -> Reply | FileStream:
    size, etag = status.st_size, strong_etag(status)
    media_type, encoding = media_type_of(name)
    fields = [("ETag", etag), ("Last-Modified", http_date(status.st_mtime)), ("Cache-Control", "no-cache")]
    if not has_changed(headers, etag, status.st_mtime):
        return Reply(304, fields, b"")
    fields += [("Content-Type", media_type), ("Accept-Ranges", "bytes"), ("X-Content-Type-Options", "nosniff")]
    if encoding:
        fields.append(("Content-Encoding", encoding))
    code, part = 200, ByteRange(0, size)
    if method == "GET":
        wanted = requested_range(headers, size, etag, status.st_mtime)
        if wanted is not None:
            if wanted.length == 0:
                raise HostError(RANGE_NOT_SATISFIABLE, headers=(("Content-Range", f"bytes */{size}"),))
            code, part = 206, wanted
            fields.append(("Content-Range", f"bytes {part.first}-{part.first + part.length - 1}/{size}"))
    if part.length > LARGEST_WHOLE:
        fields.append(("Content-Length", str(part.length)))
        return FileStream(code, fields, descriptor, part.first, part.length if method == "GET" else 0)
    # The body of HEAD is what its Content-Length is counted from; it is not sent.
    return Reply(code, fields, _read(descriptor, part))


def _read(descriptor: int, part: ByteRange) -> bytes:
    """Exactly the part. Raises OSError when the file has become shorter since it was looked at."""
    pieces, at, end = [], part.first, part.first + part.length
    while at < end:
        data = os.pread(descriptor, end - at, at)
        if not data:
            raise OSError("a file of the folder static became shorter while it was read")
        pieces.append(data)
        at += len(data)
    return b"".join(pieces)
