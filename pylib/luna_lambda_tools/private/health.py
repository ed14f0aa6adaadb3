"""GET /healthcheck: the worker answers, so it is well; with ``include_luna_services=1`` LUNA's services must be, too."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import parse_qsl

from .errors import BAD_QUERY, HostError
from .failures import summary_of
from .luna.response import LunaApiException
from .luna.settings import Service, Timeouts
from .luna.state import luna

_PARAMETER = "include_luna_services"
_LINK = "https://docs.visionlabs.ai/info/luna/troubleshooting/errors-description/code-{}"
_CODE = 38001
_DESC = "Health check error"
SECONDS = 5.0  # for all services together


def includes_services(query: bytes) -> bool:
    """Whether there are services to be asked. Raises HostError for a bad query."""
    values = [value for name, value in _parameters(query) if name == _PARAMETER]
    if any(value not in ("0", "1") for value in values):
        raise HostError(BAD_QUERY, BAD_QUERY.detail.format(_PARAMETER))
    return "1" in values and bool(luna.services)


def body_of(began: float) -> bytes:
    """What a healthy worker answers. began: of time.perf_counter."""
    return b'{"execution_time":%.9f}' % (time.perf_counter() - began)


async def check_services(request_id: str) -> tuple[int, bytes]:
    """Status and body, when all enabled services have answered or their time is over."""
    began = time.perf_counter()
    services = list({service.origin: service for service in luna.services.values()}.values())
    failures = await asyncio.gather(*(_ask(service, request_id) for service in services))
    errors = [_error(text) for text in failures if text]
    if not errors:
        return 200, body_of(began)
    return 502, json.dumps({"errors": errors}, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


async def _ask(service: Service, request_id: str) -> str | None:
    """What is wrong with the service."""
    timeouts = Timeouts(*(min(SECONDS, value) for value in service.timeouts))
    headers = {"Accept": "application/json", "Luna-Request-Id": request_id}
    url = f"{service.origin}/healthcheck"
    try:
        response = await luna.session.exchange(service._replace(timeouts=timeouts), "GET", url, headers, None)
        response.raiseForStatus()
    except LunaApiException as error:
        return str(error)
    except Exception as error:
        return f"{service.name}: {summary_of(error)}"
    return None


def _error(text: str) -> dict[str, Any]:
    return {"error_code": _CODE, "desc": _DESC, "detail": text, "link": _LINK.format(_CODE)}


def _parameters(query: bytes) -> list[tuple[str, str]]:
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True)
