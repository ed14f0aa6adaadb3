"""Forms of a request: what is read, and that malformed and hostile ones neither raise nor cost."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

PYLIB = Path(__file__).resolve().parents[2] / "pylib"
if str(PYLIB) not in sys.path:
    sys.path.insert(0, str(PYLIB))

from luna_lambda_tools.private.forms import MAX_PART_HEAD, MAX_PARTS, File  # noqa: E402
from luna_lambda_tools.private.query import MAX_FIELDS  # noqa: E402
from luna_lambda_tools.public.standalone import StandaloneLambdaRequest  # noqa: E402

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=XX"


class Context:
    userCtx = None
    config = None

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def loggerFor(self, requestId: str) -> Any:
        return SimpleNamespace(warning=self.warnings.append)


def request(body: bytes, content_type: str = MULTIPART, context: Context | None = None) -> StandaloneLambdaRequest:
    headers = [("Content-Type", content_type)]
    return StandaloneLambdaRequest(context or Context(), "id", "POST", b"/main", b"", headers, body, "::1", 1)


def part(disposition: str, content: bytes, *more: str) -> bytes:
    head = "".join(line + "\r\n" for line in (f"Content-Disposition: form-data; {disposition}", *more))
    return b"--XX\r\n" + head.encode() + b"\r\n" + content + b"\r\n"


def form_of(*parts: bytes) -> StandaloneLambdaRequest:
    return request(b"".join(parts) + b"--XX--\r\n")


# --- urlencoded ---


def test_an_urlencoded_form_is_read() -> None:
    it = request(b"a=1&a=2&b=%D0%B8+x&c=", URLENCODED + "; charset=utf-8")
    assert it.form == {"a": ["1", "2"], "b": ["и x"]} and it.form.get("a") == "1" and it.files == {}


def test_blank_fields_are_kept_when_asked_for() -> None:
    it = request(b"a=&b=1", URLENCODED)
    assert it.form == {"b": ["1"]}
    assert it.get_form(keep_blank_values=True) == {"a": [""], "b": ["1"]} == it.form


@pytest.mark.parametrize("count", [MAX_FIELDS, MAX_FIELDS + 1])
def test_an_urlencoded_form_has_at_most_max_fields(count: int) -> None:
    context = Context()
    assert len(request(b"&".join([b"a=1"] * count), URLENCODED, context).form["a"]) == MAX_FIELDS
    assert len(context.warnings) == count - MAX_FIELDS


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/mixed; boundary=XX", "multipart/form-data"]
)
def test_other_bodies_are_an_empty_form(content_type: str) -> None:
    it = request(b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--XX--', content_type)
    assert it.form == {} and it.files == {}


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_a_long_field_is_decoded_whole(shift: int) -> None:
    value = "x" * shift + "и%" * 100_000
    encoded = "x" * shift + "%D0%B8%25" * 100_000
    assert request(b"a=" + encoded.encode(), URLENCODED).form.get("a") == value


def test_a_form_is_parsed_once() -> None:
    it = request(b"a=1", URLENCODED)
    assert it.form is it.form and it.files is it.files


# --- multipart ---


def test_fields_and_files_are_read() -> None:
    it = form_of(
        part('name="a"', b"1"),
        part('name="a"', "и".encode()),
        part('name="f"; filename="x.png"', b"\x00\r\n--X\xff\r\n", "Content-Type: image/png"),
        part('name="f"; filename="y"', b""),
    )
    assert it.form == {"a": ["1", "и"]}
    assert it.files["f"] == [File("image/png", b"\x00\r\n--X\xff\r\n", "x.png"), File("text/plain", b"", "y")]
    file = it.files.get("f")
    assert (file.type, file.name) == ("image/png", "x.png")


@pytest.mark.parametrize(
    "disposition, name, file_name",
    [
        ('name="a;b=\\"c\\""; filename="d"', 'a;b="c"', "d"),
        ('name="a%22b%0D%0A"; filename="c%22%20"', 'a"b\r\n', 'c"%20'),
        ('name=plain; filename=file.txt', "plain", "file.txt"),
        ('NAME="a" ; FileName = "b"', "a", "b"),
        ('name="a"; filename="C:\\dir\\file.txt"', "a", "C:\\dir\\file.txt"),
        ('name="a"; filename="back\\\\slash"', "a", "back\\slash"),
        ("name=a; filename*=UTF-8''%D0%B8%20x", "a", "и x"),
        ("name=a; filename*=iso-8859-1'en'%E9", "a", "é"),
        ("name=a; filename*=punycode''%41", "a", "A"),
        ("name=a; filename*=broken", "a", "broken"),
        ("name=a; filename=\"plain\"; filename*=UTF-8''other", "a", "plain"),
        ('name="a"; filename="и\u0306"', "a", "й"),
        ('name="a"; filename="open', "a", "open"),
        ('name="a"; filename=""', "a", ""),
        (';;; name="a" ;; =; x; filename="b"', "a", "b"),
    ],
)
def test_names_are_read(disposition: str, name: str, file_name: str) -> None:
    files = form_of(part(disposition, b"1")).files
    assert {key: [file.name for file in value] for key, value in files.items()} == {name: [file_name]}


@pytest.mark.parametrize("disposition", ["filename=x", 'name=""', "", "name"])
def test_a_part_without_a_name_is_left_out(disposition: str) -> None:
    it = form_of(part(disposition, b"1"), part("name=b", b"2"))
    assert it.form == {"b": ["2"]} and it.files == {}


@pytest.mark.parametrize(
    "charset, raw, text",
    [
        ("cp1251", b"\xe8", "и"),
        ("KOI8-R", b"\xc9", "и"),
        ("utf-16le", b"\x38\x04", "и"),
        ("no-such", "и".encode(), "и"),
        ("punycode", b"abc-", "abc-"),
        ("zlib", b"abc", "abc"),
        ("utf-8", b"\xff", "\ufffd"),
    ],
)
def test_a_field_is_decoded_by_its_charset(charset: str, raw: bytes, text: str) -> None:
    assert form_of(part("name=a", raw, f"Content-Type: text/plain; charset={charset}")).form.get("a") == text


def test_preamble_and_epilogue_are_ignored() -> None:
    assert request(b"hello\r\n" + part("name=a", b"1") + b"--XX--\r\nbye\r\n--XX\r\n").form == {"a": ["1"]}


def test_spaces_after_a_boundary_are_ignored() -> None:
    body = b'--XX \t\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--XX--'
    assert request(body).form == {"a": ["1"]}


def test_a_line_that_only_begins_like_the_boundary_is_content() -> None:
    assert form_of(part("name=a", b"1\r\n--XXY\r\n--XX-\r\n2")).form == {"a": ["1\r\n--XXY\r\n--XX-\r\n2"]}


@pytest.mark.parametrize(
    "boundary", ['"a b:c=?"', "'()+_,-./:=?", "----WebKitFormBoundary7MA4YWxkTrZu0gW", "b" * 256, '"q\\"q"']
)
def test_any_boundary_works(boundary: str) -> None:
    raw = boundary.strip('"').replace('\\"', '"').encode() if boundary.startswith('"') else boundary.encode()
    body = b"--" + raw + b"\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--" + raw + b"--\r\n"
    assert request(body, f"Multipart/Form-Data; charset=utf-8; Boundary={boundary}").form == {"a": ["1"]}


@pytest.mark.parametrize("boundary", ["", '""', "b" * 257])
def test_a_missing_or_too_long_boundary_is_told_and_the_form_empty(boundary: str) -> None:
    context = Context()
    it = request(b"--\r\n", f"multipart/form-data; boundary={boundary}", context)
    assert it.form == {} and len(context.warnings) == 1


def test_folded_heads_are_joined() -> None:
    assert form_of(part('name="a";\r\n filename="b"', b"1")).files["a"][0].name == "b"


def test_an_empty_part_and_a_part_without_head_are_harmless() -> None:
    it = request(b"--XX\r\n--XX\r\n\r\nno head\r\n" + part("name=a", b"1") + b"--XX--")
    assert it.form == {"a": ["1"]}


def test_a_part_whose_content_lacks_its_line_is_empty() -> None:
    assert request(b"--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n--XX--").form == {"a": [""]}


def test_what_came_before_the_fault_is_kept() -> None:
    context = Context()
    it = request(part("name=a", b"1") + part("name=b", b"2")[:-3], context=context)
    assert it.form == {"a": ["1"]} and "no closing boundary" in context.warnings[0]


@pytest.mark.parametrize("count", [MAX_PARTS, MAX_PARTS + 1])
def test_at_most_max_parts_are_read(count: int) -> None:
    context = Context()
    body = part("name=a", b"1") * count + b"--XX--"
    assert len(request(body, context=context).form["a"]) == MAX_PARTS
    assert len(context.warnings) == count - MAX_PARTS


@pytest.mark.parametrize("extra", [0, 1])
def test_the_head_of_a_part_is_bounded(extra: int) -> None:
    start = "Content-Disposition: form-data; name=a\r\nX: "
    head = start + "x" * (MAX_PART_HEAD - len(start) + extra)
    it = request(b"--XX\r\n" + head.encode() + b"\r\n\r\n1\r\n--XX--")
    assert it.form == ({} if extra else {"a": ["1"]})


def test_every_cut_of_a_form_is_harmless() -> None:
    body = part("name=a", b"1") + part('name="f"; filename="x"', b"22") + b"--XX--\r\n"
    for length in range(len(body)):
        it = request(body[:length])
        assert set(it.form) <= {"a"} and set(it.files) <= {"f"}


def test_noise_is_harmless() -> None:
    dice = random.Random(7)
    pieces = [b"\r\n", b"--XX", b"--", b"\r\n\r\n", b'name="', b"Content-Disposition: form-data;", b"\xff", b";"]
    pieces += [b"\\", b'"']
    for _ in range(3000):
        it = request(b"".join(dice.choices(pieces, k=dice.randrange(40))))
        assert isinstance(it.form, dict) and isinstance(it.files, dict)


MIB = 1 << 20
QUOTES = b'\r\nContent-Disposition: form-data; name="' + b'\\"' * 7000


@pytest.mark.parametrize(
    "body",
    [
        part('name=f; filename="x"', bytes(64 * MIB)) + b"--XX--",
        b"\r\n--XX-" * (2 * MIB),
        b"\r\n--X" * (8 * MIB),
        b"--XX\r\n" * (2 * MIB),
        b"\r\n" * (8 * MIB),
        b"--XX\r\n" + b"a: b\r\n" * (2 * MIB) + b"\r\n--XX--",
        b"--XX" + (QUOTES + b"\r\n\r\n1\r\n--XX") * 999 + b"--",
        b"--XX" + (b"\r\n" + b"\r\n ;=" * 3000 + b"\r\n\r\n\r\n--XX") * 999 + b"--",
    ],
    ids=["large file", "false boundaries", "near boundaries", "no parts", "line ends", "long head", "quotes", "folds"],
)
def test_hostile_forms_cost_no_more_than_their_length(body: bytes) -> None:
    # A quadratic parser takes minutes for any of these; the bound leaves room for a slow, busy machine.
    began = time.process_time()
    request(body).form
    assert time.process_time() - began < 10
