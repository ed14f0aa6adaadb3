"""Writes lines to InfluxDB: in batches, one at a time, from one task of the loop.

What cannot be written now is tried again, with pauses that grow; what InfluxDB refuses is dropped. While it takes
nothing, the buffer's oldest lines make room for new ones. The log tells each of these, and how many points it cost.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections import deque
from itertools import islice
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import urlencode

from .. import log
from ..failures import text_of

_MAX_BYTES = 32 << 20  # of the buffer, whatever its number of lines
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_LOG_PERIOD = 30.0  # between two records of one kind
_RETRIED = frozenset({408, 425, 429})  # and all from 500 on
_SHOWN = 300
_LAST_WRITES = 2.0  # seconds for each at the end, when there may be many


class Settings(NamedTuple):
    """The section `monitoring`; durations in seconds."""

    url: str
    organization: str = ""
    bucket: str = ""
    database: str = ""
    token: str = ""
    flush_period: float = 1.0
    batch: int = 1000
    buffer: int = 10000
    timeout: float = 5.0

    @property
    def target(self) -> str:
        """Where points are written to."""
        base = self.url.rstrip("/")
        if self.bucket:
            query = {"org": self.organization, "bucket": self.bucket, "precision": "ns"}
            return f"{base}/api/v2/write?{urlencode(query)}"
        return f"{base}/write?{urlencode({'db': self.database, 'precision': 'ns'})}"


class Writer:
    """One for the process. ``add`` may be called from any thread, all else on the loop's."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop, library: ModuleType) -> None:
        """library: aiohttp."""
        self._settings = settings
        self._loop = loop
        self._library = library
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._starting = False
        self._session: Any = None
        self._closed = False
        self._failing = False
        self._told: dict[str, float] = {}
        self.dropped = 0  # since the log told the last time

    # --- filling

    def add(self, line: bytes) -> None:
        """Takes a line; the oldest go when there are too many."""
        with self._lock:
            self._lines.append(line)
            self._bytes += len(line)
            self._trim()
            wakes = len(self._lines) >= self._settings.batch and not self._failing
            if self._closed or not (wakes or self._task is None or self._task.done()) or self._starting:
                return
            self._starting = True
        try:
            if threading.get_ident() == self._thread:
                self._loop.call_soon(self._ensure, context=contextvars.Context())
            else:
                self._loop.call_soon_threadsafe(self._ensure, context=contextvars.Context())
        except RuntimeError:  # the loop is closed: the process ends
            pass

    def _trim(self) -> None:
        while len(self._lines) > self._settings.buffer or self._bytes > _MAX_BYTES:
            self._bytes -= len(self._lines.popleft())
            self.dropped += 1

    def _ensure(self) -> None:
        """The task runs, and looks at the lines. A lambda that cancels all tasks cancels it, too."""
        self._starting = False
        if self._closed:
            return
        if self._task is None or self._task.done():
            self._task = asyncio.Task(self._run(), loop=self._loop, name="lambdapool monitoring")
        if len(self._lines) >= self._settings.batch:
            self._wake.set()

    # --- writing

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._pause(failures)
            for _ in range(-(-len(self._lines) // self._settings.batch)):  # what is there now
                if not await self._write(self._settings.timeout):
                    failures += 1
                    break
                failures = 0
            self._tell_dropped()

    async def _pause(self, failures: int) -> None:
        if failures:
            await asyncio.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures - 1, 10)))
            return
        self._wake.clear()
        if len(self._lines) >= self._settings.batch:
            return
        try:
            async with asyncio.timeout(self._settings.flush_period):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _write(self, seconds: float) -> bool:
        """Writes one batch. False: it waits on, and writing again now is of no use."""
        batch = self._take()
        if not batch:
            return True
        try:
            status, text = await self._post(b"\n".join(batch), seconds)
        except asyncio.CancelledError:
            self._put_back(batch)
            raise
        except (self._library.ClientError, OSError, TimeoutError) as error:
            timed_out = isinstance(error, TimeoutError)
            why = f"no answer within {seconds:g} s" if timed_out else text_of(error)
        except BaseException as error:  # a defect: not again and again with the same lines
            self.dropped += len(batch)
            self._tell("defect", "monitoring: %d points are dropped: %s", len(batch), text_of(error))
            return True
        else:
            if 200 <= status <= 299:
                self._recovered()
                return True
            why = f"it answered {status} {text}".rstrip()
            if status not in _RETRIED and status < 500:
                self._recovered()
                self._tell(str(status), "monitoring: %s refuses points, %d are dropped: %s", self._place, len(batch), why)
                return True
        self._put_back(batch)
        self._failing = True
        self._tell("failing", "monitoring: %s takes no points, %d wait: %s", self._place, len(self._lines), why)
        return False

    async def _post(self, body: bytes, seconds: float) -> tuple[int, str]:
        library, settings = self._library, self._settings
        if self._session is None:
            self._session = library.ClientSession(
                connector=library.TCPConnector(limit=1), cookie_jar=library.DummyCookieJar(), trust_env=False
            )
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if settings.token:
            headers["Authorization"] = f"Token {settings.token}"
        timeout = library.ClientTimeout(total=seconds)
        async with self._session.post(
            settings.target, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            said = b"" if answer.status == 204 else await answer.content.read(_SHOWN)
            return answer.status, said.decode("utf-8", "replace").strip()

    def _take(self) -> list[bytes]:
        with self._lock:
            batch = list(islice(self._lines, self._settings.batch))
            for line in batch:
                self._lines.popleft()
                self._bytes -= len(line)
        return batch

    def _put_back(self, batch: list[bytes]) -> None:
        with self._lock:
            self._lines.extendleft(reversed(batch))
            self._bytes += sum(map(len, batch))
            self._trim()

    # --- the end

    async def close(self, seconds: float) -> None:
        """Writes what waits, until a write fails or time is over. Nothing is taken afterwards."""
        self._closed = True
        end = self._loop.time() + seconds
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=seconds)
        while self._lines and (left := end - self._loop.time()) > 0:
            if not await self._write(min(left, self._settings.timeout, _LAST_WRITES)):
                break
        self._told.clear()
        self._tell_dropped()
        if self._lines:
            log.logger.warning("monitoring: %d points could not be written and are lost", len(self._lines))
        if self._session is not None:
            await self._session.close()

    # --- the log

    @property
    def _place(self) -> str:
        return self._settings.url

    def _recovered(self) -> None:
        if self._failing:
            self._failing = False
            self._told.clear()
            log.logger.info("monitoring: %s takes points again", self._place)

    def _tell_dropped(self) -> None:
        if self.dropped and self._tell("dropped", "monitoring: %d points were dropped for want of room", self.dropped):
            self.dropped = 0

    def _tell(self, kind: str, text: str, *values: Any) -> bool:
        """A warning, unless there was one of this kind just now."""
        now = time.monotonic()
        if now - self._told.get(kind, -_LOG_PERIOD) < _LOG_PERIOD:
            return False
        self._told[kind] = now
        log.logger.warning(text, *values)
        return True
