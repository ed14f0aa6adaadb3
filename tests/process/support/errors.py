"""LUNA's error answers."""

import re

from support.http_client import Response

LINK = "https://docs.visionlabs.ai/info/luna/troubleshooting/errors-description/code-{}"
REQUEST_ID = re.compile(
    r"^[0-9]{10},[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$"
)


def assert_error(response: Response, status: int, code: int, kind: str, detail: str) -> None:
    """LUNA's error JSON, whole: `detail` is a pattern."""
    assert response.status == status, response
    error = response.json()
    assert sorted(error) == ["desc", "detail", "error_code", "link"]
    assert error["error_code"] == code
    assert error["link"] == LINK.format(code)
    assert error["desc"]
    assert re.search(detail, error["detail"]), error
    assert response.header("Lambda-Error") == kind
    assert REQUEST_ID.match(response.header("Luna-Request-Id") or "")
    assert response.header("Lambda-Version")
