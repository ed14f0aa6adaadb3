"""GET and HEAD of the lambda's folder static."""

import asyncio
import os
from email.utils import formatdate

import pytest
from luna_lambda_tools.private.default_routes import static
from luna_lambda_tools.private.default_routes.static import FileStream, static_reply
from luna_lambda_tools.private.errors import HostError
from luna_lambda_tools.private.reply import Reply

TEXT = bytes(range(48, 58)) * 10  # 100 bytes
MODIFIED = 1_700_000_000


@pytest.fixture
def folder(tmp_path):
    """<tmp>/static with a few files; a secret lies beside it."""
    root = tmp_path / "static"
    (root / "css").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "static-other").mkdir()
    (tmp_path / "static-other" / "secret.txt").write_text("secret")
    for name, data in {"a.txt": TEXT, "css/site.css": b"a{}", "empty": b"", "ü b.html": b"<p>"}.items():
        (root / name).write_bytes(data)
        os.utime(root / name, (MODIFIED, MODIFIED))
    return root


def get(folder, path, method="GET", **headers):
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return static_reply(str(folder), method, path if isinstance(path, bytes) else f"/static/{path}".encode(), pairs)


def refused(folder, path, method="GET", **headers):
    with pytest.raises(HostError) as caught:
        get(folder, path, method, **headers)
    return caught.value


def header(reply, name):
    return dict(reply.headers).get(name)


def test_a_file_comes_with_type_tag_and_date(folder):
    reply = get(folder, "a.txt")
    assert (reply.status, reply.body) == (200, TEXT)
    assert header(reply, "Content-Type") == "text/plain; charset=utf-8"
    assert header(reply, "Last-Modified") == formatdate(MODIFIED, usegmt=True)
    assert header(reply, "ETag").startswith('"')
    assert header(reply, "Accept-Ranges") == "bytes"
    assert header(reply, "X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("path, body", [("css/site.css", b"a{}"), ("empty", b""), ("%C3%BC%20b.html", b"<p>")])
def test_names_are_percent_decoded_and_may_lie_in_folders(folder, path, body):
    assert get(folder, path).body == body


@pytest.mark.parametrize(
    "name, expected",
    [
        ("a.html", "text/html; charset=utf-8"),
        ("a.HTML", "text/html; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.webp", "image/webp"),
        ("a.wasm", "application/wasm"),
        ("a.woff2", "font/woff2"),
        ("a.tar.gz", "application/gzip"),
        ("a.bin", "application/octet-stream"),
        ("a.unknown-ending", "application/octet-stream"),
        ("README", "application/octet-stream"),
        (".html", "text/html; charset=utf-8"),
    ],
)
def test_media_types(folder, name, expected):
    (folder / name).write_bytes(b"x")
    reply = get(folder, name)
    assert (header(reply, "Content-Type"), header(reply, "Content-Encoding")) == (expected, None)


def test_an_svgz_is_a_compressed_picture(folder):
    (folder / "a.svgz").write_bytes(b"x")
    reply = get(folder, "a.svgz")
    assert (header(reply, "Content-Type"), header(reply, "Content-Encoding")) == ("image/svg+xml", "gzip")


@pytest.mark.parametrize(
    "path",
    [
        b"/static/",
        b"/static",
        b"/static/missing",
        b"/static/css",
        b"/static/css/",
        b"/static/a.txt/",
        b"/static/a.txt/x",
        b"/static//a.txt",
        b"/static/./a.txt",
        b"/static/../secret.txt",
        b"/static/css/../../secret.txt",
        b"/static/css/../a.txt",
        b"/static/%2e%2e/secret.txt",
        b"/static/..%2fsecret.txt",
        b"/static/%2e%2e%2fsecret.txt",
        b"/static/%252e%252e%252fsecret.txt",
        b"/static/..%5csecret.txt",
        b"/static/..\\secret.txt",
        b"/static/../static-other/secret.txt",
        b"/static/%2fetc%2fpasswd",
        b"/static//etc/passwd",
        b"/static/a.txt%00",
        b"/static/a.txt%00.html",
        b"/static/%ff",
        b"/static/%c0%ae%c0%ae/secret.txt",
        b"/static/" + b"a" * 5000,
        b"/static/" + b"a/" * 3000 + b"a",
        b"/static/~root/x",
        b"/other/a.txt",
    ],
)
def test_what_is_no_file_of_the_folder_is_not_found(folder, path):
    error = refused(folder, path)
    assert (error.status, error.code, error.detail) == (404, 12013, "Page not found")


def test_links_are_followed_inside_of_the_folder_only(folder, tmp_path):
    (folder / "inside").symlink_to("a.txt")
    (folder / "css" / "up").symlink_to("..")
    (folder / "outside").symlink_to(tmp_path / "secret.txt")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "sibling").symlink_to(tmp_path / "static-other")
    (folder / "circle").symlink_to("circle")
    (folder / "dangling").symlink_to("nowhere")
    assert get(folder, "inside").body == TEXT
    assert get(folder, "css/up/a.txt").body == TEXT
    for path in ("outside", "folder/secret.txt", "sibling/secret.txt", "circle", "dangling"):
        assert refused(folder, path).status == 404


def test_the_folder_itself_may_be_a_link(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    assert get(tmp_path / "link", "a.txt").body == TEXT


def test_what_is_no_regular_file_is_not_found(folder):
    os.mkfifo(folder / "fifo")
    assert refused(folder, "fifo").status == 404


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_not_found(folder):
    (folder / "a.txt").chmod(0)
    assert refused(folder, "a.txt").status == 404


def test_a_folder_that_is_gone_has_no_files(tmp_path):
    assert refused(tmp_path / "static", "a.txt").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_not_allowed(folder, method):
    error = refused(folder, "a.txt", method)
    assert (error.status, error.code, error.headers) == (405, 12021, (("Allow", "GET, HEAD"),))


def test_head_is_told_what_get_would_be(folder):
    assert get(folder, "a.txt", "HEAD") == get(folder, "a.txt")


def test_a_known_tag_makes_it_not_modified(folder):
    tag = header(get(folder, "a.txt"), "ETag")
    for value in (tag, f"W/{tag}", f'"x", {tag}', f'{tag}, "x"', "*", f' "a,b" ,{tag}'):
        reply = get(folder, "a.txt", If_None_Match=value)
        assert (reply.status, reply.body) == (304, b""), value
        assert header(reply, "ETag") == tag
        assert header(reply, "Content-Type") is None
    assert get(folder, "a.txt", "HEAD", If_None_Match=tag).status == 304


@pytest.mark.parametrize("value", ['"other"', "other", '"', ""])
def test_another_tag_gets_the_file(folder, value):
    assert get(folder, "a.txt", If_None_Match=value).status == 200


def test_the_tag_changes_with_the_file(folder):
    tags = [header(get(folder, "a.txt"), "ETag")]
    (folder / "a.txt").write_bytes(TEXT[:-1])
    os.utime(folder / "a.txt", (MODIFIED, MODIFIED))
    tags.append(header(get(folder, "a.txt"), "ETag"))
    os.utime(folder / "a.txt", ns=(MODIFIED * 10**9, MODIFIED * 10**9 + 1))
    tags.append(header(get(folder, "a.txt"), "ETag"))
    assert len(set(tags)) == 3


@pytest.mark.parametrize(
    "since, status",
    [
        (formatdate(MODIFIED, usegmt=True), 304),
        (formatdate(MODIFIED + 1, usegmt=True), 304),
        (formatdate(MODIFIED - 1, usegmt=True), 200),
        ("Tuesday, 14-Nov-23 22:13:20 GMT", 304),
        ("Tuesday, 14-Nov-23 22:13:19 GMT", 200),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 200),
        ("Tue Nov 14 22:13:20 2023", 304),
        ("Wed Nov  1 22:13:20 2023", 200),
        ("Tue, 14 Nov 2023 22:13:20", 200),
        ("Tue, 32 Nov 2023 22:13:20 GMT", 200),
        ("Tue, 30 Nov 2023 24:00:00 GMT", 200),
        ("Tue, 30 Nov 2023 23:59:60 GMT", 304),
        ("Tue, 00 Nov 0000 00:00:00 GMT", 200),
        ("yesterday", 200),
        ("", 200),
        ("Tue, 14 Nov 99999999999 22:13:20 GMT", 200),
    ],
)
def test_a_date_makes_it_not_modified(folder, since, status):
    assert get(folder, "a.txt", If_Modified_Since=since).status == status


def test_a_tag_counts_more_than_a_date(folder):
    date = formatdate(MODIFIED, usegmt=True)
    assert get(folder, "a.txt", If_None_Match='"other"', If_Modified_Since=date).status == 200


@pytest.mark.parametrize(
    "value, first, last",
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=99-99", 99, 99),
        ("bytes=90-", 90, 99),
        ("bytes=0-", 0, 99),
        ("bytes=95-1000", 95, 99),
        ("bytes=-5", 95, 99),
        ("bytes=-1000", 0, 99),
        ("Bytes = 1 - 2", 1, 2),
    ],
)
def test_a_part_of_a_file(folder, value, first, last):
    reply = get(folder, "a.txt", Range=value)
    assert (reply.status, reply.body) == (206, TEXT[first : last + 1])
    assert header(reply, "Content-Range") == f"bytes {first}-{last}/100"


@pytest.mark.parametrize("value", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=999999999999999999-"])
def test_a_part_outside_of_the_file(folder, value):
    error = refused(folder, "a.txt", Range=value)
    assert (error.status, error.headers) == (416, (("Content-Range", "bytes */100"),))


@pytest.mark.parametrize(
    "value", ["bytes=5-4", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1", "0-1", "", "bytes=" + "9" * 5000 + "-"]
)
def test_ranges_that_are_none_get_the_whole_file(folder, value):
    reply = get(folder, "a.txt", Range=value)
    assert (reply.status, reply.body) == (200, TEXT)


def test_a_range_counts_for_get_only_and_not_for_empty_files(folder):
    assert get(folder, "a.txt", "HEAD", Range="bytes=0-0").status == 200
    assert get(folder, "empty", Range="bytes=0-").status == 200


def test_if_range_decides_between_part_and_whole(folder):
    tag = header(get(folder, "a.txt"), "ETag")
    for value, status in (
        (tag, 206),
        (f"W/{tag}", 200),
        ('"other"', 200),
        (formatdate(MODIFIED, usegmt=True), 206),
        (formatdate(MODIFIED + 1, usegmt=True), 200),
        ("nonsense", 200),
    ):
        assert get(folder, "a.txt", Range="bytes=0-1", If_Range=value).status == status, value


def test_a_large_file_is_a_stream(folder, open_descriptors):
    data = os.urandom(static.LARGEST_WHOLE + 1)
    (folder / "large.bin").write_bytes(data)
    stream = get(folder, "large.bin")
    assert isinstance(stream, FileStream)
    assert (stream.status, header(stream, "Content-Length")) == (200, str(len(data)))
    chunks = asyncio.run(collected(stream))
    assert b"".join(chunks) == data
    assert max(map(len, chunks)) <= static.CHUNK
    assert open_descriptors() == 0
    stream.close()


def test_a_stream_that_nobody_reads_to_its_end_is_closed(folder, open_descriptors):
    async def read_one(stream):
        async for _ in stream.chunks():
            return

    (folder / "large.bin").write_bytes(bytes(static.LARGEST_WHOLE * 2))
    for _ in range(2):
        assert get(folder, "large.bin").status == 200
        asyncio.run(read_one(get(folder, "large.bin")))
        get(folder, "large.bin").close()
    assert open_descriptors() == 0


def test_the_largest_file_that_is_sent_whole(folder, open_descriptors):
    (folder / "large.bin").write_bytes(bytes(static.LARGEST_WHOLE))
    assert isinstance(get(folder, "large.bin"), Reply)
    assert open_descriptors() == 0


def test_a_large_part_is_a_stream_and_a_small_one_is_not(folder):
    data = os.urandom(static.LARGEST_WHOLE * 2)
    (folder / "large.bin").write_bytes(data)
    assert get(folder, "large.bin", Range="bytes=10-19").body == data[10:20]
    stream = get(folder, "large.bin", Range="bytes=5-")
    assert (stream.status, header(stream, "Content-Range")) == (206, f"bytes 5-{len(data) - 1}/{len(data)}")
    assert b"".join(asyncio.run(collected(stream))) == data[5:]
    stream.close()


def test_head_of_a_large_file_reads_nothing(folder):
    (folder / "large.bin").write_bytes(bytes(static.LARGEST_WHOLE + 1))
    stream = get(folder, "large.bin", "HEAD")
    assert header(stream, "Content-Length") == str(static.LARGEST_WHOLE + 1)
    assert asyncio.run(collected(stream)) == []
    stream.close()


def test_a_file_that_shrinks_while_it_is_sent_is_an_error(folder):
    (folder / "large.bin").write_bytes(bytes(static.LARGEST_WHOLE + 1))
    stream = get(folder, "large.bin")
    os.truncate(folder / "large.bin", 10)
    with pytest.raises(OSError, match="shorter"):
        asyncio.run(collected(stream))
    stream.close()


def test_no_descriptor_stays_open(folder, open_descriptors):
    get(folder, "a.txt")
    get(folder, "a.txt", If_None_Match="*")
    refused(folder, "a.txt", Range="bytes=100-")
    refused(folder, "css")
    assert open_descriptors() == 0


async def collected(stream):
    return [chunk async for chunk in stream.chunks()]


@pytest.fixture
def open_descriptors():
    """How many more descriptors are open than before."""

    def count():
        return len(os.listdir("/proc/self/fd"))

    before = count()
    return lambda: count() - before
