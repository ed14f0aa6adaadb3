"""Points of requests and of the lambda on their way to InfluxDB.

Nothing here blocks a request or grows without bound: a point becomes a line of text at once, lines wait in a bounded
buffer, and one task of the loop writes them in batches. Without ``configure`` points go nowhere.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from typing import Any, Iterable, Mapping

from .. import log
from ..failures import summary_of
from ..start_failure import StartFailure
from .line_protocol import PointError
from .point import MonitoringPoint, line_of_point
from .request_points import RequestPoints
from .writer import Settings, Writer

__all__ = ["MonitoringPoint", "RequestPoints", "close", "configure", "is_on", "send", "send_line"]

_writer: Writer | None = None


def configure(settings: Mapping[str, Any] | None, lambda_id: str, loop: asyncio.AbstractEventLoop) -> None:
    """Takes the supervisor's settings; None turns monitoring off. To be called before the lambda is imported.

    Raises StartFailure.
    """
    global _writer
    MonitoringPoint.initialize(f"lambda-{lambda_id}")
    _writer = None
    if settings is None:
        return
    try:
        library = importlib.import_module("aiohttp")
    except Exception as error:
        raise StartFailure(
            f"monitoring.url is set, and that needs aiohttp, which cannot be imported: {summary_of(error)}; install it "
            "(Debian: python3-aiohttp; for a virtual environment: pip install aiohttp)"
        ) from None
    _writer = Writer(Settings(**settings), loop, library)


def is_on() -> bool:
    """Whether points are written anywhere."""
    return _writer is not None


def send(points: Any) -> None:
    """Takes a lambda's points, or a single one. One that cannot be written is left out, and the log says why."""
    if _writer is None:
        return
    each_point: Iterable[Any] = points if isinstance(points, (list, tuple, set, frozenset)) else [points]
    for point in each_point:
        try:
            line = line_of_point(point)
        except PointError as error:
            _left_out(point, str(error))
        except Exception as error:  # properties of the lambda's own
            _left_out(point, summary_of(error))
        else:
            _writer.add(line)


def send_line(line: bytes) -> None:
    """Takes a line of the host's own."""
    if _writer is not None:
        _writer.add(line)


async def close(seconds: float) -> None:
    """Writes what waits, once, within the time; to be called on the loop that was configured."""
    if _writer is not None:
        await _writer.close(seconds)


def _left_out(point: Any, why: str) -> None:
    log.logger.warning("monitoring: a point of %s is left out: %s", type(point).__name__, why[:500])


def _after_fork_in_child() -> None:
    global _writer
    _writer = None  # the points are the parent's, and so is the loop


os.register_at_fork(after_in_child=_after_fork_in_child)
