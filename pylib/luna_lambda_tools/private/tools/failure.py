"""Why a command cannot do its work."""

from __future__ import annotations


class Failure(Exception):
    """``text`` is for people and says what to do; ``status`` is the command's exit status."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


def reason(error: OSError) -> str:
    return error.strerror or str(error)
