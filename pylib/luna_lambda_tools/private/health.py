"""GET /healthcheck: the worker answers, so it is well.

LUNA's service checks the connections to other services here as well when ``include_luna_services`` is 1; a lambda that
uses none has none to check.
"""

from __future__ import annotations

import time
from urllib.parse import parse_qsl

from .errors import BAD_QUERY, HostError

_PARAMETER = "include_luna_services"


def check(query: bytes) -> bytes:
    """The body of the answer. Raises HostError for a bad query."""
    began = time.perf_counter()
    values = [value for name, value in _parameters(query) if name == _PARAMETER]
    if any(value not in ("0", "1") for value in values):
        raise HostError(BAD_QUERY, BAD_QUERY.detail.format(_PARAMETER))
    return b'{"execution_time":%.9f}' % (time.perf_counter() - began)


def _parameters(query: bytes) -> list[tuple[str, str]]:
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True)
