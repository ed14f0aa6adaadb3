"""Our luna3: the client of lambdas, against servers on loopback, and who finds it."""

import asyncio
import http.server
import json
import socket
import subprocess
import sys
import threading

import pytest
from conftest import PYLIB
from luna3.common.exceptions import LunaApiException
from luna3.common.luna_response import LunaResponse
from luna3.luna_lambda.luna_lambda import LambdaApi
from luna_lambda_tools.private.luna import response as ours

METHODS = ("Get", "Post", "Put", "Patch", "Head", "Options", "Delete")
LUNAS_ERROR = {"error_code": 42001, "desc": "Object not found", "detail": "Lambda with id 'l' not found", "link": "x"}


@pytest.fixture
def server():
    """Answers every request with what it was; `/status/N` with that status and LUNA's error."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            size = int(self.headers.get("Content-Length") or 0)
            told = {"method": self.command, "path": self.path, "headers": dict(self.headers.items())}
            told["body"] = self.rfile.read(size).decode()
            seen.append(told)
            status = int(self.path.rpartition("/")[2]) if "/status/" in self.path else 200
            body = json.dumps(LUNAS_ERROR if status >= 400 else told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_HEAD = do_OPTIONS = do_DELETE = answer

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    running.seen = seen
    running.origin = f"http://127.0.0.1:{running.server_address[1]}"
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def silent():
    """Takes connections and never answers; gives its origin and a way to send bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def called(api, name, *arguments, asynchronous=False, **options):
    result = getattr(api, f"proxyLambda{name}")(*arguments, asyncRequest=asynchronous, **options)
    if not asynchronous:
        return result

    async def wait():
        return await result

    return asyncio.run(wait())


both = pytest.mark.parametrize("asynchronous", [False, True])


@both
@pytest.mark.parametrize("name", METHODS)
def test_each_method_is_sent_to_the_proxys_path(server, name, asynchronous):
    api = LambdaApi(server.origin + "/", 6)
    reply = called(api, name, "an id", "main", "account", asynchronous=asynchronous)
    assert isinstance(reply, LunaResponse)
    assert reply.statusCode == 200
    (told,) = server.seen
    assert (told["method"], told["path"]) == (name.upper(), "/6/lambdas/an%20id/proxy/main")
    assert told["headers"]["Luna-Account-Id"] == "account"
    if name == "Head":
        assert (reply.body, reply.json) == (b"", None)
    else:
        assert reply.json == json.loads(reply.text) == json.loads(reply.body)
    assert reply.headers["content-type"] == "application/json"


@both
@pytest.mark.parametrize(
    "body, sent, media",
    [
        ({"a": ["é", 1]}, '{"a": ["é", 1]}', "application/json"),
        ([1], "[1]", "application/json"),
        (0, "0", "application/json"),
        ("text é", "text é", None),
        (b"bytes", "bytes", None),
        (None, "", None),
    ],
)
def test_bodies_are_json_or_as_they_are(server, body, sent, media, asynchronous):
    called(LambdaApi(server.origin, 1), "Post", "l", "main", "a", body=body, asynchronous=asynchronous)
    (told,) = server.seen
    assert told["body"] == sent
    if media:
        assert told["headers"]["Content-Type"] == media


@both
def test_headers_query_and_request_id_are_sent(server, asynchronous):
    api = LambdaApi(server.origin, 1, lunaRequestId="rid")
    called(
        api, "Get", "l", "/a b/%2F?", "a", headers={"X-Mine": "1", "luna-account-id": "other"},
        queryParams={"q": ["1", "2 3"], "z": 0}, asynchronous=asynchronous,
    )  # fmt: skip
    (told,) = server.seen
    assert told["path"] == "/1/lambdas/l/proxy/a%20b/%2F%3F?q=1&q=2+3&z=0"
    headers = {name.lower(): value for name, value in told["headers"].items()}
    assert (headers["x-mine"], headers["luna-account-id"], headers["luna-request-id"]) == ("1", "other", "rid")


@both
@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_failed_status_is_an_answer_or_an_exception(server, status, asynchronous):
    api = LambdaApi(server.origin, 1)
    reply = called(api, "Get", "l", f"status/{status}", "a", asynchronous=asynchronous)
    assert (reply.statusCode, reply.json) == (status, LUNAS_ERROR)
    with pytest.raises(LunaApiException) as caught:
        called(api, "Get", "l", f"status/{status}", "a", raiseError=True, asynchronous=asynchronous)
    error = caught.value
    assert (error.statusCode, error.errorCode, error.detail) == (status, 42001, "Lambda with id 'l' not found")


@both
def test_a_refused_connection_says_so(asynchronous):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(LunaApiException, match=f"luna-lambda: GET http://127.0.0.1:{port}/1/lambdas/l/proxy/x: cannot connect"):
        called(LambdaApi(f"http://127.0.0.1:{port}", 1), "Get", "l", "x", "a", asynchronous=asynchronous)


@both
def test_a_server_that_hangs_is_given_up(silent, asynchronous):
    with pytest.raises(LunaApiException, match="no answer within 0.1 s") as caught:
        called(LambdaApi(silent, 1, timeout=0.1), "Post", "l", "x", "a", asynchronous=asynchronous)
    assert (caught.value.statusCode, caught.value.response) == (0, None)


@both
@pytest.mark.parametrize("answer", [b"garbage\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"])
def test_an_answer_that_is_none_is_told(answer, asynchronous):
    listener = socket.create_server(("127.0.0.1", 0))

    def talk():
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(answer)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    with listener, pytest.raises(LunaApiException):
        called(
            LambdaApi(f"http://127.0.0.1:{listener.getsockname()[1]}", 1, timeout=10), "Get", "l", "x", "a",
            asynchronous=asynchronous,
        )  # fmt: skip
    thread.join()


@pytest.mark.parametrize("origin", ["127.0.0.1:80", "ftp://a", "http://", "", "http://a?b"])
def test_an_origin_that_is_none_is_told(origin):
    with pytest.raises(ValueError, match="origin is"):
        LambdaApi(origin, 1)


def test_the_client_can_be_asynchronous_as_a_whole(server):
    async def call():
        return await LambdaApi(server.origin, 1, asyncRequest=True).proxyLambdaPost("l", "main", "a")

    assert asyncio.run(call()).statusCode == 200


def test_its_classes_are_those_of_the_clients():
    assert (LunaResponse, LunaApiException) == (ours.LunaResponse, ours.LunaApiException)


# ---------------------------------------------------------------------- who finds it


def test_a_lambda_can_import_it(hosted):
    source = "from luna3.luna_lambda.luna_lambda import LambdaApi\nasync def main(request):\n    return LambdaApi.__module__\n"

    async def drive(channel):
        assert (await channel.ask()).json == "luna3.luna_lambda.luna_lambda"

    hosted.write(source).run(drive)


@pytest.mark.parametrize("place", ["lambda", "installed"])
def test_another_luna3_is_found_first(hosted, tmp_path_factory, place):
    installed = tmp_path_factory.mktemp("site")
    (hosted.folder if place == "lambda" else installed).joinpath("luna3").mkdir()
    (hosted.folder if place == "lambda" else installed).joinpath("luna3", "__init__.py").write_text("WHOSE = 'real'\n")
    hosted.write("import luna3\nasync def main(request):\n    return luna3.WHOSE\n")
    script = (
        "import sys; sys.path[:0] = sys.argv[2:4]; sys.path.append(sys.argv[4])\nfrom pathlib import Path\n"
        "from fake_channel import HostedLambda\n"
        "async def drive(channel):\n    assert (await channel.ask()).json == 'real'\n"
        "HostedLambda(Path(sys.argv[1])).run(drive)\n"
    )
    arguments = [str(hosted.folder), str(PYLIB), str(PYLIB.parent / "tests" / "pylib"), str(installed)]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
