"""The examples do what their READMEs say: every curl command in them is run, and its answer compared.

A README has commands and answers in this form; the line of the answer may name headers, and what the body has not::

    ```sh
    curl http://127.0.0.1:8000/main ...
    ```

    answers 200, `Content-Type: text/plain`:

    ```
    the whole body
    ```

`answers 204.` has no body to compare; `answers 200 with the lines:` compares lines of the body; "The log has `text`" and
"The log has the error `text`" are looked for in the log. The flags of a line `lambdapool serve examples/NAME --flag` are used.
"""

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.lambdapool import ROOT, Lambdapool, run
from support.wait import eventually

EXAMPLES = ROOT / "examples"
FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/lambda_main.py"))
NAMES = [path.name for path in FOLDERS]
SERVED_AT = "http://127.0.0.1:8000"

_STEP = re.compile(
    r"```sh\n(?P<command>curl [^\n]+)\n```\n\nanswers (?P<status>\d{3})(?P<rest>[^\n]*)\n(?:\n```\n(?P<body>.*?\n)```\n)?", re.DOTALL
)
_SERVE = re.compile(r"^lambdapool serve examples/\w+ (--[^\n]+)$", re.MULTILINE)
_HEADER = re.compile(r"(?<!without )`([A-Za-z-]+): ([^`]+)`")
_WITHOUT = re.compile(r"without `([^`]+)`")
_LOG = re.compile(r"The log has (the error )?`([^`]+)`")


@dataclass
class Step:
    command: str
    status: int
    headers: list[tuple[str, str]]
    body: str | None
    by_lines: bool
    absent: list[str] = field(default_factory=list)


def steps_of(readme: str) -> list[Step]:
    found = []
    for match in _STEP.finditer(readme):
        rest, body = match["rest"], match["body"]
        assert rest.endswith(":") == (body is not None), f"'answers ...:' has a body, 'answers ....' has none: {rest}"
        found.append(
            Step(
                match["command"],
                int(match["status"]),
                _HEADER.findall(rest),
                body,
                rest.startswith(" with the lines"),
                _WITHOUT.findall(rest),
            )
        )
    assert len(found) == len(re.findall(r"^curl ", readme, re.MULTILINE)), "a command without an answer"
    return found


def perform(step: Step, server: Lambdapool, folder: Path, scratch: Path) -> None:
    address = f"http://{server.address[0]}:{server.address[1]}"
    arguments = [each.replace(SERVED_AT, address) for each in shlex.split(step.command)[1:]]
    assert any(each.startswith(address) for each in arguments), f"not for {SERVED_AT}: {step.command}"
    head, body = scratch / "head", scratch / "body"
    body.write_bytes(b"")
    command = ["curl", "-q", "-sS", "--noproxy", "*", "--max-time", "20", "-D", str(head), "-o", str(body), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    lines = head.read_text("latin-1").strip().splitlines()
    told = body.read_text()
    assert lines[0].split(" ")[1] == str(step.status), (step.command, lines, told)
    headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
    for name, value in step.headers:
        assert value in [given for key, given in headers if key.lower() == name.lower()], (step.command, name, headers)
    for text in step.absent:
        assert text not in told, step.command
    if step.by_lines:
        assert step.body is not None
        missing = [line for line in step.body.splitlines() if line not in told.splitlines()]
        assert not missing, (step.command, missing, told)
    elif step.body is not None:
        assert told.rstrip("\n") == step.body.rstrip("\n"), step.command


@pytest.fixture(scope="module", autouse=True)
def curl() -> None:
    assert shutil.which("curl"), "the examples' requests are curl commands: install curl"


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_an_example_does_what_its_readme_says(serve, tmp_path, folder):
    readme = (folder / "README.md").read_text()
    steps = steps_of(readme)
    assert steps, "the README shows no request"
    told = _SERVE.search(readme)
    arguments = shlex.split(told[1]) if told else []
    server = serve(folder, *arguments, extra_environment={"PYTHONDONTWRITEBYTECODE": "1"})
    errors = [text for is_error, text in _LOG.findall(readme) if is_error]
    server.allow(*map(re.escape, errors))

    for step in steps:
        perform(step, server, folder, tmp_path)

    for _, text in _LOG.findall(readme):
        eventually(lambda: any(text in line for line in server.log.lines), what=f"the log has {text!r}")


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_an_example_is_valid(folder):
    done = run("validate", folder)

    assert (done.returncode, done.stderr) == (0, "")
    type_ = folder.name if folder.name in ("tasks", "handlers") else "standalone"
    assert done.stdout.startswith(f"{folder}: valid {type_} lambda; routes: POST /main")


def test_the_index_names_every_example():
    index = (EXAMPLES / "README.md").read_text()

    assert sorted(re.findall(r"^\| \[(\w+)\]\(\1\) \|", index, re.MULTILINE)) == NAMES
