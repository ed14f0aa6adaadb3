"""The lambda's folder static, over HTTP."""

import os
import subprocess

import pytest

from support.http_client import Connection
from support.wait import eventually

LAMBDA = """
    async def main(request): return {}
"""
LARGE = os.urandom(3 * 1024 * 1024 + 7)


@pytest.fixture
def server(make_lambda, serve):
    folder = make_lambda(LAMBDA)
    static = folder / "static"
    (static / "css").mkdir(parents=True)
    (static / "index.html").write_text("<p>hello")
    (static / "css" / "site.css").write_text("p{}")
    (static / "large.bin").write_bytes(LARGE)
    (static / "out").symlink_to("/etc")
    (folder / "secret.txt").write_text("secret")
    return serve(folder)


def test_files_come_with_their_type(server):
    page = server.request("GET", "/static/index.html")
    assert (page.status, page.body) == (200, b"<p>hello")
    assert page.header("Content-Type") == "text/html; charset=utf-8"
    assert page.header("Lambda-Version")
    assert server.request("GET", "/static/css/site.css").body == b"p{}"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/..%2fsecret.txt",
        "/static/%252e%252e%252fsecret.txt",
        "/static//etc/passwd",
        "/static/out/passwd",
        "/static/index.html%00",
        "/static/",
        "/static/css",
        "/static/nothing",
    ],
)
def test_nothing_outside_of_the_folder_is_found(server, path):
    response = server.request("GET", path)
    assert response.status == 404
    assert response.json()["error_code"] == 12013
    assert b"secret" not in response.body and b"root:" not in response.body


def test_a_client_that_has_the_file_is_told_so(server):
    first = server.request("GET", "/static/index.html")
    for headers in (
        {"If-None-Match": first.header("ETag")},
        {"If-Modified-Since": first.header("Last-Modified")},
    ):
        again = server.request("GET", "/static/index.html", headers=headers)
        assert (again.status, again.body) == (304, b"")
        assert again.header("ETag") == first.header("ETag")


def test_head_has_the_length_and_no_body(server):
    with server.connect() as connection:
        head = connection.request("HEAD", "/static/index.html")
        assert (head.status, head.header("Content-Length")) == (200, "8")
        assert connection.request("HEAD", "/static/large.bin").status == 200
        assert connection.request("GET", "/static/index.html").body == b"<p>hello"


def test_other_methods_are_not_allowed(server):
    response = server.request("POST", "/static/index.html")
    assert (response.status, response.header("Allow")) == (405, "GET, HEAD")
    assert response.json()["error_code"] == 12021


def test_parts_of_files(server):
    part = server.request("GET", "/static/index.html", headers={"Range": "bytes=3-5"})
    assert (part.status, part.body, part.header("Content-Range")) == (206, b"hel", "bytes 3-5/8")
    part = server.request("GET", "/static/large.bin", headers={"Range": "bytes=-1000"})
    assert (part.status, part.body) == (206, LARGE[-1000:])
    part = server.request("GET", "/static/large.bin", headers={"Range": "bytes=1000-"}, timeout=30)
    assert (part.status, part.body) == (206, LARGE[1000:])
    outside = server.request("GET", "/static/index.html", headers={"Range": "bytes=8-"})
    assert (outside.status, outside.header("Content-Range")) == (416, "bytes */8")
    assert sorted(outside.json()) == ["desc", "detail", "error_code", "link"]


def test_a_large_file_arrives_whole_and_again_on_the_same_connection(server):
    with server.connect(timeout=30) as connection:
        for _ in range(2):
            response = connection.request("GET", "/static/large.bin")
            assert response.status == 200
            assert response.body == LARGE


def test_a_client_that_leaves_in_the_middle_of_a_large_file_leaves_nothing_open(server):
    worker = server.worker()

    def open_files():
        return os.listdir(f"/proc/{worker}/fd")

    before = len(open_files())
    for _ in range(5):
        connection: Connection = server.connect(receive_buffer=4096)
        connection.send(b"GET /static/large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.socket.recv(100)
        connection.reset()
    eventually(lambda: len(open_files()) <= before, what="the worker closes the file")
    assert server.request("GET", "/static/index.html").status == 200


def test_curl_gets_a_large_file_as_it_is(server, tmp_path):
    host, port = server.address
    target = tmp_path / "got"
    subprocess.run(
        ["curl", "-sS", "--fail", "--max-time", "20", "-o", target, f"http://{host}:{port}/static/large.bin"], check=True
    )
    assert target.read_bytes() == LARGE


def test_a_lambda_without_the_folder_has_no_such_route(make_lambda, serve):
    server = serve(make_lambda(LAMBDA, name="bare"))
    assert server.request("GET", "/static/index.html").status == 404
