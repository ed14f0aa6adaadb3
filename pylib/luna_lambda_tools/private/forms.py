"""Forms in request bodies: urlencoded and multipart/form-data.

What is malformed is left out and said in `Form.problem`; nothing raises and nothing costs more than the body is long.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Iterator, NamedTuple, Optional
from urllib.parse import unquote_to_bytes

from luna_lambda_tools.private.http_headers import decode_text, parse_parameters
from luna_lambda_tools.private.query import MAX_FIELDS, RequestParameters, grouped, parse_pairs

MAX_PARTS = 1000
MAX_PART_HEAD = 16 << 10
MAX_BOUNDARY = 256
_MAX_FALSE_DELIMITERS = 10_000

_FOLD = re.compile(rb"\r\n[ \t]+")
_BROWSER_ESCAPE = re.compile(r"%(22|0D|0A)", re.IGNORECASE)


class File(NamedTuple):
    """An uploaded file: its media type, its bytes, and the name the client gave it, which is not a safe path."""

    type: str
    body: bytes
    name: str


class Form(NamedTuple):
    """Fields (str values) and files (File values) by name. `problem` says what was left out, "" when nothing."""

    fields: RequestParameters
    files: RequestParameters
    problem: str


def parse_form(content_type: str, body: bytes, keep_blank_values: bool) -> Form:
    """The form in `body`; an empty one when the content type is none of the two that hold forms."""
    media, parameters = parse_parameters(content_type)
    if media == "application/x-www-form-urlencoded":
        pairs, too_many = parse_pairs(body, keep_blank_values)
        problem = f"the form has more than {MAX_FIELDS} fields, the others are left out" if too_many else ""
        return Form(grouped(pairs), RequestParameters(), problem)
    if media == "multipart/form-data":
        boundary = parameters.get("boundary", "").encode("utf-8", "surrogateescape")
        if not 0 < len(boundary) <= MAX_BOUNDARY:
            problem = f"the content type of the form has no boundary of 1 to {MAX_BOUNDARY} bytes"
            return Form(RequestParameters(), RequestParameters(), problem)
        return _parse_multipart(body, boundary)
    return Form(RequestParameters(), RequestParameters(), "")


def _parse_multipart(body: bytes, boundary: bytes) -> Form:
    fields, files = RequestParameters(), RequestParameters()
    problems: list[str] = []
    for start, end in _parts(body, boundary, problems):
        _read_part(body, start, end, fields, files, problems)
    return Form(fields, files, problems[0] if problems else "")


def _parts(body: bytes, boundary: bytes, problems: list[str]) -> Iterator[tuple[int, int]]:
    """Where each part begins (behind its delimiter's line) and ends (before the next delimiter's CRLF)."""
    delimiter = b"\r\n--" + boundary
    count = false = 0
    part = -1
    # The first delimiter may lack the CRLF before it: its place is then two bytes before the body.
    at = -2 if body.startswith(delimiter[2:]) else body.find(delimiter)
    while at != -1:
        behind = at + len(delimiter)
        if body.startswith(b"--", behind):
            line_end = behind
        else:
            line_end = behind
            while line_end < len(body) and body[line_end] in b" \t":
                line_end += 1
            if not body.startswith(b"\r\n", line_end):
                false += 1
                if false > _MAX_FALSE_DELIMITERS:
                    break
                at = body.find(delimiter, behind)
                continue
        if part >= 0:
            count += 1
            if count > MAX_PARTS:
                problems.insert(0, f"the form has more than {MAX_PARTS} parts, the others are left out")
                return
            # A delimiter right behind another one shares its CRLF: nothing is between them.
            if part <= at:
                yield part, at
        if line_end == behind and body.startswith(b"--", behind):
            return
        part = line_end + 2
        at = body.find(delimiter, line_end)
    problems.append("the form has no closing boundary, what follows its last boundary is left out")


def _read_part(
    body: bytes, start: int, end: int, fields: RequestParameters, files: RequestParameters, problems: list[str]
) -> None:
    # The last CRLF of the head may be the one that begins the delimiter: then the part is empty.
    head_end = body.find(b"\r\n\r\n", start, min(end + 2, start + MAX_PART_HEAD + 4))
    if head_end < 0:
        problems.append(f"a part of the form has no head of at most {MAX_PART_HEAD} bytes and is left out")
        return
    content = body[head_end + 4 : end] if head_end + 4 <= end else b""
    name: Optional[str] = None
    file_name: Optional[str] = None
    media, charset = "text/plain", None
    head = _FOLD.sub(b" ", body[start:head_end]).decode("utf-8", "replace")
    for line in head.split("\r\n"):
        header, colon, value = line.partition(":")
        header = header.strip().lower()
        if not colon:
            continue
        if header == "content-disposition":
            _, parameters = parse_parameters(value)
            name = _unescaped(parameters.get("name"))
            file_name = _file_name(parameters)
        elif header == "content-type":
            media, parameters = parse_parameters(value)
            charset = parameters.get("charset")
    if not name:
        problems.append("a part of the form has no name and is left out")
    elif file_name is None:
        fields.setdefault(name, []).append(decode_text(content, charset))
    else:
        files.setdefault(name, []).append(File(media, content, file_name))


def _unescaped(text: Optional[str]) -> Optional[str]:
    """Browsers send quotes and line ends in names as %22, %0D and %0A, and nothing else so."""
    if text is None or "%" not in text:
        return text
    return _BROWSER_ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text)


def _file_name(parameters: dict[str, str]) -> Optional[str]:
    """filename, else filename* (RFC 8187: charset'language'percent-encoded), in Unicode's NFC as in Sanic."""
    name = _unescaped(parameters.get("filename"))
    if name is None:
        extended = parameters.get("filename*")
        if extended is None:
            return None
        charset, quote, rest = extended.partition("'")
        _, quote_2, text = rest.partition("'")
        if not (quote and quote_2):
            charset, text = "utf-8", extended
        name = decode_text(unquote_to_bytes(text), charset)
    return unicodedata.normalize("NFC", name)
