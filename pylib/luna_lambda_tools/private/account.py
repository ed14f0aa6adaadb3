"""The header Luna-Account-Id: on whose behalf a request comes."""

from __future__ import annotations

import re
from typing import Any, Final

from .errors import ErrorKind, HostError

ACCOUNT_HEADER: Final = "Luna-Account-Id"
_UUID = re.compile(r"[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}")
_BAD_INPUT = ErrorKind(400, "bad_request", 12031, "Bad/incomplete input data", "{}")


def account_of(request: Any, required: bool) -> str | None:
    """The account's id; None when the header is missing and not required. Raises HostError 12031."""
    value = request.headers.get(ACCOUNT_HEADER)
    if value is None:
        if required:
            raise HostError(_BAD_INPUT, f"Header '{ACCOUNT_HEADER}' is required")
        return None
    if not _UUID.fullmatch(value):
        raise HostError(_BAD_INPUT, f"Bad header '{ACCOUNT_HEADER}': it must be a UUID in lower case")
    return str(value)
