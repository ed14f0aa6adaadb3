"""Why a lambda cannot start."""

from __future__ import annotations


class StartFailure(Exception):
    """Ends the start of a worker.

    ``text`` is one line for people that names file and line and says what to do; ``stage`` is "load" or "onStart".
    """

    def __init__(self, text: str, traceback: str = "", stage: str = "load") -> None:
        super().__init__(text)
        self.text = " ".join(text.split("\n"))
        self.traceback = traceback
        self.stage = stage
