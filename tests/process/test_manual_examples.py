"""The lambdas of LUNA's manual, word for word, each served as a folder and as an archive."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.lambdapool import LAMBDAS


@pytest.fixture(params=["folder", "archive"])
def packed(request: pytest.FixtureRequest, zipped: Callable[[str], Path]) -> Callable[[str], Path]:
    if request.param == "archive":
        return zipped
    return lambda name: LAMBDAS / name


@pytest.fixture
def web_server() -> Iterator[str]:
    """A web server of the test's own; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/luna"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_user_context_is_started_before_requests_and_is_theirs(serve, packed):
    response = serve(packed("manual_user_context")).post()

    assert (response.status, response.json()) == (200, {"result": 1})


def test_the_database_context_runs_at_the_start_and_at_the_end(serve, packed):
    server = serve(packed("manual_database"))
    server.log.wait_for("^start lambda$", level="info")
    assert not server.log.find("shutdown lambda")

    server.stop()

    assert len(server.log.find("^start lambda$")) == 1
    assert len(server.log.find("^shutdown lambda$")) == 1


def test_the_session_example_answers_or_says_why_the_server_cannot_be_reached(serve, packed):
    server = serve(packed("manual_session"), settings={"pool.request_timeout": "20s"})
    server.allow("docs.visionlabs.ai")
    server.log.wait_for("^start lambda$")

    response = server.post(timeout=30)

    # Where the manual's server can be reached it answers; else its client's error is the detail.
    if response.status == 200:
        assert isinstance(response.json()["status"], int)
    else:
        assert response.status == 500
        assert response.json()["error_code"] == 42004
        assert "docs.visionlabs.ai" in response.json()["detail"]
    server.stop()
    assert len(server.log.find("^shutdown lambda$")) == 1


def test_the_session_example_reaches_a_server_that_is_there(serve, packed, web_server):
    server = serve(packed("session_to"))

    for _ in range(3):
        response = server.post({"url": web_server})
        assert (response.status, response.json()) == (200, {"status": 200})

    server.stop()
    assert len(server.log.find("^start lambda$")) == 1
    assert len(server.log.find("^shutdown lambda$")) == 1


def test_the_logger_writes_to_the_log_under_the_request(serve, packed):
    server = serve(packed("manual_logger"))

    response = server.post()

    assert (response.status, response.json()) == (200, {"result": "empty"})
    (line,) = server.log.wait_for("^Hello, world!$", level="info")
    assert line["request_id"] == response.header("Luna-Request-Id")
    assert line["worker"] >= 1


def test_modules_and_folders_without_init_files_import_each_other(serve, packed):
    response = serve(packed("manual_modules")).post()

    assert response.status == 200
    assert response.json() == {
        "from_file_1": "foo_from_file1",
        "variable_from_nested": 1,
        "from_file_in_path_1": "foo_from_fileinpath1",
        "from_file_in_path_2": "foo_from_fileinpath2",
    }


def test_the_configuration_file_is_a_dictionary(serve, packed):
    response = serve(packed("manual_config")).post()

    assert response.status == 200
    assert response.json() == {
        "title": "My Lambda",
        "version": 5,
        "feature1_enabled": True,
        "username": "admin",
    }


def test_an_expected_exception_is_its_status_and_its_text(serve, packed):
    server = serve(packed("manual_exceptions"))

    refused = server.post({"images": ["image_one"]})
    taken = server.post({"images": ["image_one", "image_two"]})

    assert refused.status == 400
    assert refused.json()["detail"] == "expected two images in request"
    assert (taken.status, taken.json()) == (200, {"image_count": 2})


def test_an_unexpected_exception_is_a_500_with_its_text(serve, packed):
    server = serve(packed("manual_division"))
    server.allow("division by zero", "ZeroDivisionError", "exception")

    response = server.post()

    assert response.status == 500
    assert json.loads(response.body) == {
        "error_code": 42004,
        "desc": "Lambda exception",
        "detail": "division by zero",
        "link": "https://docs.visionlabs.ai/info/luna/troubleshooting/errors-description/code-42004",
    }


def test_an_archive_is_unpacked_for_as_long_as_it_is_served(serve, zipped, tmp_path):
    place = tmp_path / "unpacked"
    place.mkdir()
    server = serve(zipped("inspects"), settings={"lambda.unpack_dir": place})

    file = Path(server.post().json()["file"])
    assert place in file.parents
    assert file.exists()
    server.stop()

    assert list(place.iterdir()) == []
