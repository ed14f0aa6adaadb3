"""LUNA's two series of requests: `requests`, one point of each, and `errors`, one more of those that failed.

A request's point is made where its answer passes: this stands between the host and the channel. Requests that never
reach this process, or die with it, have none.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Sequence

from .. import log
from ..errors import LAMBDA_EXCEPTION
from .line_protocol import PointError, line_of
from .point import unique_ns

_NO_ROUTE = "<none>"  # as the supervisor's metrics have it; paths that nobody answers are without end
_CUT = 200  # of a stream that had begun


class RequestPoints:
    """A channel that notes what is answered; all else goes through."""

    def __init__(self, channel: Any, service: str, send: Callable[[bytes], None]) -> None:
        self._channel = channel
        self._service = service
        self._send = send
        self._open: dict[int, tuple[Any, int, float]] = {}
        self._streams: dict[int, tuple[int, str]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def began(self, id: int, request: Any) -> None:
        """A request has come."""
        self._open[id] = (request, unique_ns(), time.perf_counter())

    # What the channel is called.

    def respond(
        self, id: int, status: int, headers: Sequence[tuple[str, str]], body: bytes, route: str = ""
    ) -> None:
        self._channel.respond(id, status, headers, body, route)
        self._answered(id, status, route)

    def fail(
        self,
        id: int,
        status: int,
        kind: str,
        error_code: int,
        desc: str,
        detail: str,
        headers: Sequence[tuple[str, str]] = (),
        route: str = "",
    ) -> None:
        self._channel.fail(id, status, kind, error_code, desc, detail, headers, route)
        self._answered(id, status, route, error_code)

    def stream_head(self, id: int, status: int, headers: Sequence[tuple[str, str]], route: str = "") -> None:
        self._channel.stream_head(id, status, headers, route)
        self._streams[id] = (status, route)

    def stream_end(self, id: int, error: str = "") -> None:
        self._channel.stream_end(id, error)
        status, route = self._streams.pop(id, (_CUT, ""))
        self._answered(id, status, route, LAMBDA_EXCEPTION.code if error else 0)

    def _answered(self, id: int, status: int, route: str, error_code: int = 0) -> None:
        """Never raises: the answer has left."""
        found = self._open.pop(id, None)
        if found is None:
            return
        request, began_ns, began = found
        tags = {
            "service": self._service,
            "route": f"{request.method}:{route or _NO_ROUTE}",
            "status_code": status,
        }
        fields = {"request_id": request.requestId, "execution_time": time.perf_counter() - began}
        more = request._kept.get("dataForMonitoring") if request._kept else None
        try:
            if more is not None:  # the lambda's names do not replace the series' own
                self._send(line_of("requests", {**more.tags, **tags}, {**more.fields, **fields}, began_ns))
            else:
                self._send(line_of("requests", tags, fields, began_ns))
            if error_code:
                own = {"request_id": request.requestId}
                self._send(line_of("errors", {**tags, "error_code": error_code}, own, began_ns))
        except PointError as error:
            log.RequestLogger(request.requestId).warning("monitoring: the request's point is left out: %s", error)
        except Exception as error:  # __str__ of a lambda's own value
            log.RequestLogger(request.requestId).warning(
                "monitoring: the request's point is left out: %s", type(error).__name__
            )
