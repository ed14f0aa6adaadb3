"""LUNA's error answers."""

import re

from support.http_client import Connection, Response
from support.lambdapool import Lambdapool

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


def assert_refused(connection: Connection, statuses: set[int], method: str = "POST") -> None:
    """An error in LUNA's JSON, then an orderly end of the connection."""
    response = connection.receive(method)
    assert response.status in statuses, (response.status, response.body[:300])
    assert response.closes
    assert response.json()["error_code"] == (37003 if response.status == 413 else 12046)
    assert connection.is_closed()


def refuse(server: Lambdapool, data: bytes, *statuses: int) -> None:
    """Sends what must be refused with one of the statuses, 400 unless told otherwise."""
    with server.connect() as connection:
        connection.send(data)
        assert_refused(connection, set(statuses or (400,)))
