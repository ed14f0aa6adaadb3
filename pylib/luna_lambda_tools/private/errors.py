"""Everything a client can be told when a request fails: one table, and the exceptions that carry its rows.

Codes and texts are LUNA's (error_code, desc, detail); kinds are ours and name the failure for machines.
"""

from __future__ import annotations

from typing import NamedTuple

Headers = tuple[tuple[str, str], ...]


class ErrorKind(NamedTuple):
    """One row: what stays the same each time this error is told."""

    status: int
    kind: str
    code: int
    desc: str
    detail: str


INTERNAL = ErrorKind(500, "internal_error", 1, "Internal server error", "Unknown error")
BAD_JSON = ErrorKind(400, "bad_request", 12002, "Bad/incomplete input data", "Request does not contain json")
BAD_QUERY = ErrorKind(400, "bad_request", 12012, "Bad/incomplete input data", "Bad query parameters '{}'")
NOT_FOUND = ErrorKind(404, "not_found", 12013, "Resource not found", "Page not found")
METHOD_NOT_ALLOWED = ErrorKind(405, "method_not_allowed", 12021, "Method not allowed", "Method not allowed")
USER_EXCEPTION = ErrorKind(500, "user_exception", 42004, "Lambda exception", "")
LAMBDA_EXCEPTION = ErrorKind(500, "lambda_exception", 42004, "Lambda exception", "")
BAD_RESULT = ErrorKind(500, "bad_result", 42004, "Lambda exception", "")
TIMED_OUT = ErrorKind(504, "cancelled", 42004, "Lambda exception", "The request was cancelled: its time is over")
CLIENT_LEFT = ErrorKind(499, "cancelled", 42004, "Lambda exception", "The request was cancelled: its client left")
SHUT_DOWN = ErrorKind(503, "cancelled", 42004, "Lambda exception", "The request was cancelled: its worker shuts down")


class HostError(Exception):
    """A failed request that is not the lambda's doing; it says how the client is answered."""

    def __init__(self, error: ErrorKind, detail: str | None = None, headers: Headers = ()) -> None:
        self.status = error.status
        self.kind = error.kind
        self.code = error.code
        self.desc = error.desc
        self.detail = error.detail if detail is None else detail
        self.headers = headers
        super().__init__(self.detail)


class BadRequestJson(HostError):
    """The lambda read request.json, and the body is no JSON text."""

    def __init__(self, detail: str | None = None, headers: Headers = ()) -> None:
        super().__init__(BAD_JSON, detail, headers)
