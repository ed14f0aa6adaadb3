"""Why a lambda cannot start."""

from __future__ import annotations

from typing import Iterable


class StartFailure(Exception):
    """Ends the start of a worker.

    ``text`` is for people, names file and line and says what to do; it is one line, or as many as there are faults.
    ``stage`` is "load" or "onStart".
    """

    def __init__(self, text: str, traceback: str = "", stage: str = "load") -> None:
        super().__init__(text)
        self.text = " ".join(text.split("\n"))
        self.traceback = traceback
        self.stage = stage

    @classmethod
    def of_lines(cls, lines: Iterable[str]) -> StartFailure:
        """Several faults, one a line."""
        failure = cls("")
        failure.text = "\n".join(" ".join(line.split("\n")) for line in lines)
        return failure
