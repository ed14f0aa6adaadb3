"""An answer that is whole: what the host's own routes give, and what a handler's response comes down to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence


@dataclass(slots=True)
class Reply:
    """Status, headers in order, body; Content-Length and the like are the supervisor's."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
