"""The request examples of LUNA's manual, word for word but for their four constants, each a program of its own.

Each file of manual_requests is one example; the manual repeats the first of them for most of its lambdas.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.lambdapool import ROOT, Lambdapool
from support.luna_services import addresses

REQUESTS = Path(__file__).resolve().parent / "manual_requests"
PYLIB = ROOT / "pylib"
FALLBACK = PYLIB / "luna_lambda_tools" / "fallback"
LAMBDA = "6f1c4c5e-0b39-4d3c-8a57-3f2d3c1b9a10"
ACCOUNT = "11111111-2222-4333-8444-555555555555"
OTHER = "00000000-0000-4000-8000-000000000000"


def constants(server: Lambdapool, lambda_id: str = LAMBDA, account: str = ACCOUNT) -> dict[str, str]:
    """The lines of an example that its user replaces, by what they begin with."""
    origin = f"http://{server.address[0]}:{server.address[1]}"
    return {
        r"SERVER_ORIGIN = .*": f'SERVER_ORIGIN = "{origin}"',
        r"SERVER_API_VERSION = .*": "SERVER_API_VERSION = 1",
        r"lambdaId, accountId = .*": f'lambdaId, accountId = "{lambda_id}", "{account}"',
    }


def printed(name: str, folder: Path, lines: dict[str, str]) -> object:
    """What the example prints, as a value."""
    source = (REQUESTS / f"{name}.py").read_text()
    for pattern, line in lines.items():
        source, count = re.subn(f"^{pattern}$", line, source, flags=re.MULTILINE)
        assert count == 1, pattern
    (folder / "example.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=folder,
        env={"PYTHONPATH": f"{PYLIB}:{FALLBACK}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return ast.literal_eval(done.stdout)


@pytest.fixture
def example(serve, tmp_path):
    """Serves a lambda of the manual and runs an example against it; gives what it prints."""

    def run(
        name: str, served: str, *allowed: str, settings: Mapping[str, str] | None = None, **who: str
    ) -> object:
        server = serve(served, settings={"lambda.id": LAMBDA, **(settings or {})})
        server.allow(*allowed)
        return printed(name, tmp_path, constants(server, **who))

    return run


@pytest.mark.parametrize(
    "served, answer",
    [
        ("manual_user_context", {"result": 1}),
        ("manual_logger", {"result": "empty"}),
        (
            "manual_modules",
            {
                "from_file_1": "foo_from_file1",
                "variable_from_nested": 1,
                "from_file_in_path_1": "foo_from_fileinpath1",
                "from_file_in_path_2": "foo_from_fileinpath2",
            },
        ),
        ("manual_config", {"title": "My Lambda", "version": 5, "feature1_enabled": True, "username": "admin"}),
    ],
)
def test_the_example_prints_what_the_lambda_answers(example, served, answer):
    assert example("post_main", served) == answer


def test_the_clients_example_prints_the_addresses(example):
    services = addresses(LUNA_FACES="http://faces:5030", LUNA_EVENTS="http://events:5040")

    answer = example("post_main", "manual_clients", settings=services)

    assert answer == {"faces_address": "http://faces:5030/3", "events_address": "http://events:5040/2"}


def test_the_session_example_prints_a_status_or_why_there_is_none(example):
    answer = example("post_main", "manual_session", "docs.visionlabs.ai")

    # Where the manual's server can be reached its status is the answer; else its client's error is the detail.
    assert isinstance(answer.get("status"), int) or "docs.visionlabs.ai" in answer["detail"]


def test_the_example_with_one_image_prints_the_expected_exception(example):
    answer = example("post_images", "manual_exceptions")

    assert (answer["error_code"], answer["detail"]) == (42004, "expected two images in request")


def test_the_example_with_a_parameter_prints_it(example):
    answer = example("post_parameter", "manual_routes")

    assert re.fullmatch("[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}", answer["response"])


def test_another_lambdas_id_is_told(example):
    assert example("post_main", "manual_logger", lambda_id=OTHER)["error_code"] == 42001


def test_an_account_that_is_no_uuid_is_told(example):
    assert example("post_main", "manual_logger", account="your_account_id")["error_code"] == 12031
