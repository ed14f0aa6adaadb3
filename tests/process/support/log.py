"""The lines of the supervisor's log, as records that can be looked for."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
TEXT_LINE = re.compile(rf"^(?P<time>{TIME}) (?P<level>DEBUG|INFO|WARN|ERROR) +(?P<rest>.*)$")
LEVELS = {"DEBUG": "debug", "INFO": "info", "WARN": "warning", "ERROR": "error"}
FIELD = re.compile(r'(?:^| )(?P<key>[a-z_][a-z0-9_.]*)=(?P<value>"(?:[^"\\]|\\.)*"|[^ "]*)')


class Record(dict[str, Any]):
    """One line of the log. `fields` of the text format are text, of JSON what they are there."""

    @property
    def level(self) -> str:
        return str(self.get("level", "")).lower()

    @property
    def message(self) -> str:
        return str(self.get("message", ""))

    def matches(self, message: str | None, fields: dict[str, Any]) -> bool:
        if message is not None and not re.search(message, self.message):
            return False
        return all(self.get(key) == value for key, value in fields.items())


def parse_json(line: str) -> Record | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return Record(value) if isinstance(value, dict) else None


def parse_text(line: str) -> Record | None:
    found = TEXT_LINE.match(line)
    if found is None:
        return None
    rest = found["rest"]
    record = Record(time=found["time"], level=LEVELS[found["level"]])
    first = None
    for field in FIELD.finditer(rest):
        first = field.start() if first is None else first
        value = field["value"]
        record[field["key"]] = json.loads(value) if value.startswith('"') else value
    record["message"] = rest if first is None else rest[:first].rstrip()
    return record


class Log:
    """Reads lines in a thread of its own until end-of-file; tests look at them while they come."""

    def __init__(self, stream: IO[bytes], parse: Callable[[str], Record | None]) -> None:
        self._stream = stream
        self._parse = parse
        self._changed = threading.Condition()
        self.lines: list[str] = []
        self.records: list[Record] = []
        self.odd_lines: list[str] = []  # Lines that are no record of the log's format.
        self.ended = False
        self._thread = threading.Thread(target=self._read, name="log", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for raw in self._stream:
            line = raw.decode("utf-8", "backslashreplace").rstrip("\n")
            record = self._parse(line)
            with self._changed:
                if self._parse is parse_text and line.startswith("    ") and self.records:
                    self.lines.append(line)
                    self.records[-1]["message"] += "\n" + line[4:]
                    self._changed.notify_all()
                    continue
                self.lines.append(line)
                if record is None:
                    self.odd_lines.append(line)
                else:
                    self.records.append(record)
                self._changed.notify_all()
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def mark(self) -> int:
        """A place in the log; `since` takes it."""
        with self._changed:
            return len(self.records)

    def find(self, message: str | None = None, since: int = 0, **fields: Any) -> list[Record]:
        with self._changed:
            records = self.records[since:]
        return [record for record in records if record.matches(message, fields)]

    def wait_for(
        self,
        message: str | None = None,
        *,
        count: int = 1,
        within: float = 5.0,
        since: int = 0,
        **fields: Any,
    ) -> list[Record]:
        """Waits for `count` records whose message has the pattern and whose fields are these."""
        deadline = time.monotonic() + within
        while True:
            found = self.find(message, since, **fields)
            if len(found) >= count:
                return found
            with self._changed:
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    tail = "\n".join(self.lines[-30:])
                    raise AssertionError(
                        f"{len(found)} of {count} log lines {message!r} {fields} "
                        f"within {within} s; the log ends with:\n{tail}"
                    )
                self._changed.wait(min(left, 0.1))

    def join(self, within: float = 5.0) -> None:
        self._thread.join(within)
        assert not self._thread.is_alive(), "the log is still open: some process holds it"

    def __iter__(self) -> Iterator[Record]:
        with self._changed:
            return iter(list(self.records))
