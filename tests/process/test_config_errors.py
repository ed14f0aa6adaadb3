"""A configuration or a command line that cannot be meant: told with file, line, key and what to do."""

import re
import socket

import pytest

from support.lambdapool import LAMBDAS, run

ECHO = LAMBDAS / "echo"


@pytest.fixture
def refused(tmp_path):
    """Serves with a configuration of this text; gives the name of the file and the error."""

    def serve(text: str) -> tuple[str, str]:
        file = tmp_path / "lambdapool.yml"
        file.write_text(text)
        result = run("serve", ECHO, "--port", "0", "--config", file)
        assert result.returncode > 0, result
        assert "listening on" not in result.stdout
        return str(file), result.stderr

    return serve


def refused_arguments(*arguments: object) -> str:
    result = run("serve", *map(str, arguments))
    assert result.returncode > 0, result
    assert "listening on" not in result.stdout
    assert result.stderr.strip()
    return result.stderr


def test_a_good_file_is_taken(serve, tmp_path):
    file = tmp_path / "lambdapool.yml"
    file.write_text("lambda:\n  version: 42\npool:\n  concurrency: 3\n")

    assert serve("echo", "--config", str(file)).post().header("Lambda-Version") == "42"


def test_flags_and_set_override_the_file(serve, tmp_path):
    file = tmp_path / "lambdapool.yml"
    file.write_text("server:\n  port: 1\npool:\n  workers: 3\nlambda:\n  version: 42\n")

    server = serve("echo", "--config", str(file), settings={"lambda.version": "43"})

    assert server.address[1] != 1
    assert server.post().header("Lambda-Version") == "43"


def test_a_file_that_is_not_there_is_named(tmp_path):
    missing = tmp_path / "nothing.yml"

    assert str(missing) in refused_arguments(ECHO, "--config", missing)


@pytest.mark.parametrize(
    ("text", "line"), [("pool:\n  workers: [1\n", None), ("pool:\n\tworkers: 1\n", 2), ("{", None)]
)
def test_bad_yaml_is_told_with_its_line(refused, text, line):
    file, error = refused(text)

    assert re.search(re.escape(file) + (rf":{line}\b" if line else r":\d+"), error), error


@pytest.mark.parametrize(
    ("text", "line", "key", "nearest"),
    [
        ("pool:\n  worker: 2\n", 2, "worker", "workers"),
        ("server:\n  host: 127.0.0.1\n  prot: 80\n", 3, "prot", "port"),
        ("pol:\n  workers: 2\n", 1, "pol", "pool"),
        ("pool:\n  workers: 1\nlog:\n  levle: info\n", 4, "levle", "level"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_one(refused, text, line, key, nearest):
    file, error = refused(text)

    (found,) = [one for one in error.splitlines() if f"{file}:{line}" in one]
    assert key in found
    assert nearest in found.replace(key, "", 1)


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("pool:\n  workers: many\n", 2, "workers"),
        ("pool:\n  workers: [1]\n", 2, "workers"),
        ("pool:\n  workers: 0\n", 2, "workers"),
        ("pool:\n  workers: -1\n", 2, "workers"),
        ("pool:\n  workers: 1.5\n", 2, "workers"),
        ("pool: 7\n", 1, "pool"),
        ("pool:\n  queue_timeout: 5\n", 2, "queue_timeout"),
        ("pool:\n  queue_timeout: 5 parsecs\n", 2, "queue_timeout"),
        ("server:\n  max_body: lots\n", 2, "max_body"),
        ("server:\n  port: 65536\n", 2, "port"),
        ("log:\n  level: loud\n", 2, "level"),
        ("log:\n  access: perhaps\n", 2, "access"),
        ("worker:\n  event_loop: twisted\n", 2, "event_loop"),
    ],
)
def test_a_value_of_a_wrong_type_is_told_with_file_line_and_key(refused, text, line, key):
    file, error = refused(text)

    assert [one for one in error.splitlines() if f"{file}:{line}" in one and key in one], error


def test_every_error_of_a_file_is_told_at_once(refused):
    file, error = refused("pool:\n  worker: 2\n  concurrency: x\nlog:\n  level: loud\n")

    for line in (2, 3, 5):
        assert f"{file}:{line}" in error


def test_a_key_that_comes_twice_is_told(refused):
    file, error = refused("pool:\n  workers: 1\n  workers: 2\n")

    assert f"{file}:3" in error


@pytest.mark.parametrize(
    ("setting", "part"),
    [
        ("pool.worker=2", "pool.workers"),
        ("pool.workers=many", "pool.workers"),
        ("pool.workers", "="),
        ("workers=2", "pool.workers"),
        ("=2", "="),
        ("pool.queue_timeout=5", "pool.queue_timeout"),
        ("log.level=loud", "info"),
    ],
)
def test_a_bad_setting_is_told(setting, part):
    error = refused_arguments(ECHO, "--port", "0", "--set", setting)

    assert setting.split("=")[0] in error
    assert part in error


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "many"),
        ("--port", "-1"),
        ("--port", "65536"),
        ("--workers", "0"),
        ("--workers", "x"),
        ("--nonsense",),
        ("--log-format", "xml"),
        ("--host", "not a host"),
        ("--host", "192.0.2.1"),
    ],
    ids=" ".join,
)
def test_a_bad_flag_is_told(arguments):
    error = refused_arguments(ECHO, *(() if "--port" in arguments else ("--port", "0")), *arguments)

    assert arguments[0].lstrip("-") in error or arguments[-1] in error


def test_serve_without_a_path_says_what_is_missing():
    assert re.search("(?i)path", refused_arguments())


def test_a_port_in_use_is_told_with_host_and_port():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        error = refused_arguments(ECHO, "--port", port)

    (line,) = [one for one in error.splitlines() if f"127.0.0.1:{port}" in one]
    assert re.search("(?i)in use", line)


def test_a_port_in_use_is_told_before_the_lambda_is_started(make_lambda, tmp_path):
    started = tmp_path / "started"
    folder = make_lambda(f"open({str(started)!r}, 'w')\n\nasync def main(request):\n    return {{}}\n")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        refused_arguments(folder, "--port", other.getsockname()[1])

    assert not started.exists()


def test_a_log_file_that_cannot_be_written_is_named(tmp_path):
    place = tmp_path / "no" / "such" / "folder.log"

    assert str(place) in refused_arguments(ECHO, "--port", "0", "--set", f"log.file={place}")


def test_the_help_names_every_flag():
    result = run("serve", "--help")

    assert result.returncode == 0
    for flag in ("--config", "--host", "--port", "--workers", "--concurrency", "--set"):
        assert flag in result.stdout


def test_the_version_is_told():
    result = run("--version")

    assert result.returncode == 0
    assert re.search(r"\d+\.\d+\.\d+", result.stdout)


def test_an_unknown_command_is_told():
    result = run("srve", ECHO)

    assert result.returncode > 0
    assert "srve" in result.stderr
