"""StandaloneLambdaRequest: what a lambda reads of a request."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import pickle
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

PYLIB = Path(__file__).resolve().parents[2] / "pylib"
if str(PYLIB) not in sys.path:
    sys.path.insert(0, str(PYLIB))

from luna_lambda_tools.private.errors import BadRequestJson  # noqa: E402
from luna_lambda_tools.private.log import RequestLogger  # noqa: E402
from luna_lambda_tools.private.query import MAX_FIELDS  # noqa: E402
from luna_lambda_tools.public.handlers.handlers_request import HandlersLambdaRequest  # noqa: E402
from luna_lambda_tools.public.standalone import StandaloneLambdaRequest, standalone_request  # noqa: E402


class Context:
    def __init__(self) -> None:
        self.userCtx = object()
        self.config = SimpleNamespace(userConfig={"setting_1": 1})
        self.warnings: list[tuple[str, str]] = []

    def loggerFor(self, requestId: str) -> Any:
        return SimpleNamespace(warning=lambda text: self.warnings.append((requestId, text)))


def request(
    body: bytes = b"",
    headers: list[tuple[str, str]] | None = None,
    query: bytes = b"",
    path: bytes = b"/main",
    method: str = "POST",
    context: Context | None = None,
    http_minor: int = 1,
) -> StandaloneLambdaRequest:
    return StandaloneLambdaRequest(
        context or Context(), "1700000000,id", method, path, query, headers or [], body, "10.0.0.7", http_minor
    )


# --- json ---


@pytest.mark.parametrize("value", [{"images": ["a", "b"]}, [], 0, 1.5, "имя", None, False])
def test_json_is_the_parsed_body(value: Any) -> None:
    assert request(json.dumps(value, ensure_ascii=False).encode()).json == value


@pytest.mark.parametrize("body", [b'{"a": []}', b"null"])
def test_json_is_parsed_once(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    load = standalone_request._load_utf8

    def counting(body: bytes) -> Any:
        calls.append(body)
        return load(body)

    monkeypatch.setattr(standalone_request, "_load_utf8", counting)
    it = request(body)
    assert it.json is it.json and len(calls) == 1


def test_json_of_an_empty_body_is_none() -> None:
    assert request(b"").json is None


def test_json_does_not_need_a_content_type() -> None:
    assert request(b"1", [("Content-Type", "text/plain")]).json == 1


@pytest.mark.parametrize(
    "body",
    [b"{", b" ", b"{'a': 1}", b"\xff", b'"\xed\xa0\x80"', "{}".encode("utf-16"), b"[" * 200_000, b"1" * 10_000, b"1 2"],
    ids=["cut", "blank", "quotes", "no utf-8", "surrogate", "utf-16", "deep", "long number", "two"],
)
def test_json_of_a_body_that_is_none_raises_bad_request(body: bytes) -> None:
    it = request(body)
    for _ in range(2):
        with pytest.raises(BadRequestJson):
            it.json


@pytest.mark.parametrize("body", [b"1" * 4301, b"[" * 100_000 + b"]" * 100_000], ids=["digits", "depth"])
def test_json_that_python_cannot_hold_raises_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequestJson):
        request(body).json


def test_a_byte_order_mark_before_json_is_skipped() -> None:
    assert request(b"\xef\xbb\xbf{}").json == {}


def test_load_json_takes_another_parser_and_keeps_its_result() -> None:
    it = request(b"[1]")
    assert it.load_json(loads=lambda body: body.decode()) == "[1]"
    assert it.json == "[1]"


def test_load_json_of_a_failing_parser_raises_bad_request() -> None:
    with pytest.raises(BadRequestJson):
        request(b"[1]").load_json(loads=lambda body: 1 // 0)


def test_body_and_getbody_are_the_bytes() -> None:
    it = request(b"\x00\xff")
    assert it.body == it.getBody() == b"\x00\xff" and asyncio.run(it.receive_body()) is None


# --- headers ---


def test_headers_ignore_case_and_keep_all_values() -> None:
    headers = request(headers=[("X-Tag", "1"), ("x-tag", "2"), ("Content-Type", "text/plain")]).headers
    assert headers["X-TAG"] == headers.get("x-tag") == headers.getone("X-tag") == "1"
    assert headers.getall("X-Tag") == ["1", "2"] == headers.get_all("x-tag")
    assert list(headers) == ["x-tag", "x-tag", "content-type"]
    assert headers.get("nope") is None and headers.getone("nope", "-") == "-" and headers.get_all("nope") == []
    assert headers.content_type == "text/plain" and headers.x_tag == "1,2"


def test_a_missing_header_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        request().headers["x"]


def test_content_type_and_charset_have_defaults() -> None:
    assert (request().content_type, request().charset) == ("application/octet-stream", "utf-8")
    it = request(headers=[("Content-Type", 'text/plain; Charset="cp1251"')])
    assert (it.content_type, it.charset) == ('text/plain; Charset="cp1251"', "cp1251")


@pytest.mark.parametrize(
    "value, token, credentials",
    [
        ("Bearer abc", "abc", ("Bearer", "abc")),
        ("bearer abc", "abc", ("Bearer", "abc")),
        ("Token abc", "abc", ("Token", "abc")),
        ("Basic dTpwOnE=", "Basic dTpwOnE=", ("Basic", "dTpwOnE=")),
        ("Digest x", "Digest x", (None, "Digest x")),
    ],
)
def test_token_and_credentials(value: str, token: str, credentials: tuple[str | None, str]) -> None:
    it = request(headers=[("Authorization", value)])
    assert it.token == token and it.credentials == credentials


def test_no_authorization_is_none() -> None:
    assert request().token is None and request().credentials is None


def test_basic_credentials_have_a_name_and_a_password() -> None:
    credentials = request(headers=[("Authorization", "Basic dTpwOnE=")]).credentials
    assert credentials and (credentials.username, credentials.password) == ("u", "p:q")


@pytest.mark.parametrize("value", ["Bearer abc", "Basic a"])
def test_other_credentials_have_none(value: str) -> None:
    credentials = request(headers=[("Authorization", value)]).credentials
    with pytest.raises(AttributeError):
        assert credentials and credentials.username


@pytest.mark.parametrize(
    "value, expected",
    [
        (None, ["*/*"]),
        ("text/html, application/json;q=0.5, */*;q=0.1", ["text/html", "application/json", "*/*"]),
        ("a/b;q=0.1, c/d", ["c/d", "a/b"]),
        ("a/b;q=0, c/d;q=x,,", ["c/d"]),
    ],
)
def test_accept_lists_the_most_wanted_first(value: str | None, expected: list[str]) -> None:
    assert request(headers=[("Accept", value)] if value else []).accept == expected


# --- cookies ---


def cookies(header: str) -> Any:
    return request(headers=[("Cookie", header)]).cookies


def test_cookies_are_read_and_the_first_of_a_name_wins() -> None:
    found = cookies("a=1; b = 2 ;a=3; c=x=y")
    assert (found.get("a"), found.getlist("a"), found["a"]) == ("1", ["1", "3"], ["1", "3"])
    assert (found.get("b"), found.get("c"), found.get("z"), found.get("z", "-")) == ("2", "x=y", None, "-")
    assert found.b == "2" and found.z == "" and "a" in found


@pytest.mark.parametrize(
    "raw, value",
    [('"x y"', "x y"), (r'"a\"b\\c"', 'a"b\\c'), (r'"\303\251"', "Ã©"), ('""', ""), ('"', '"'), ('"open', '"open')],
)
def test_quoted_cookie_values_are_unquoted(raw: str, value: str) -> None:
    assert cookies(f"a={raw}").get("a") == value


def test_cookies_of_several_headers_are_joined() -> None:
    assert request(headers=[("cookie", "a=1"), ("Cookie", "b=2")]).get_cookies() == {"a": ["1"], "b": ["2"]}


def test_what_is_no_cookie_is_left_out() -> None:
    assert cookies(";; =; b@d=1; plain; ok=1") == {"": ["", "plain"], "ok": ["1"]}
    assert request().cookies == {}


def test_prefixed_cookies_are_found_by_their_plain_name() -> None:
    found = cookies("a=1; __Host-a=2; __Secure-b=3")
    assert (found.get("a"), found.get("b"), found["b"]) == ("2", "3", ["3"])


# --- query ---


def test_args_are_lists_whose_get_gives_the_first() -> None:
    args = request(query=b"a=1&a=2&b=%D0%B8+x&c=&d").args
    assert dict(args) == {"a": ["1", "2"], "b": ["и x"], "c": [""], "d": [""]}
    assert (args.get("a"), args.getlist("a"), args["a"]) == ("1", ["1", "2"], ["1", "2"])
    assert (args.get("z"), args.get("z", 5), args.getlist("z"), args.getlist("z", [])) == (None, 5, None, [])


def test_query_args_keep_the_order() -> None:
    assert request(query=b"b=1&a=2&b=3").query_args == [("b", "1"), ("a", "2"), ("b", "3")]


def test_blank_values_can_be_left_out() -> None:
    it = request(query=b"a=&b=1&c")
    assert it.get_args(keep_blank_values=False) == {"b": ["1"]} and it.args == {"a": [""], "b": ["1"], "c": [""]}


def test_strict_parsing_raises() -> None:
    assert request(query=b"a=1").get_args(strict_parsing=True) == {"a": ["1"]}
    with pytest.raises(ValueError):
        request(query=b"a=1&b").get_args(strict_parsing=True)


def test_args_can_have_another_encoding() -> None:
    it = request(query=b"a=%E8")
    assert it.get_args(encoding="cp1251").get("a") == "и" and it.args.get("a") == "\ufffd"


@pytest.mark.parametrize("query", [b"", b"&&&", b"%", b"%zz=%4", b"=&=1", b"\xff=\xfe", b"a=b=c"])
def test_an_odd_query_never_raises(query: bytes) -> None:
    assert isinstance(request(query=query).args, dict)


def test_args_are_parsed_once() -> None:
    it = request(query=b"a=1")
    assert it.args is it.args


@pytest.mark.parametrize("count", [MAX_FIELDS, MAX_FIELDS + 1])
def test_at_most_max_fields_are_read(count: int) -> None:
    context = Context()
    assert len(request(query=b"&".join([b"a=1"] * count), context=context).query_args) == MAX_FIELDS
    assert len(context.warnings) == count - MAX_FIELDS


# --- target and connection ---


def test_the_target_is_told_as_sent() -> None:
    it = request(path=b"/a%20b/\xd0\xb8", query=b"x=%31", headers=[("Host", "example.org:8000")])
    assert (it.path, it.server_path, it.query_string) == ("/a%20b/и", "/a%20b/и", "x=%31")
    assert it.url == "http://example.org:8000/a%20b/и?x=%31"


def test_a_url_without_query_has_no_question_mark() -> None:
    assert request(headers=[("host", "h")]).url == "http://h/main"


@pytest.mark.parametrize(
    "host, name, port",
    [
        ("Example.org:8000", "example.org", 8000),
        ("example.org", "example.org", 80),
        ("example.org:", "example.org", 80),
        ("[::1]:81", "[::1]", 81),
        ("[::1]", "[::1]", 80),
        ("", "", 80),
    ],
)
def test_server_name_and_port(host: str, name: str, port: int) -> None:
    it = request(headers=[("Host", host)])
    assert (it.host, it.server_name, it.server_port) == (host, name, port)


def test_forwarded_headers_are_not_believed() -> None:
    it = request(headers=[("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil")])
    assert (it.scheme, it.host, it.ip, it.client_ip, it.remote_addr) == ("http", "", "10.0.0.7", "10.0.0.7", "")
    assert it.port is None


def test_the_version_is_that_of_http() -> None:
    assert (request().version, request(http_minor=0).version) == ("1.1", "1.0")


@pytest.mark.parametrize(
    "method, safe, idempotent, cacheable",
    [
        ("GET", 1, 1, 1),
        ("HEAD", 1, 1, 1),
        ("OPTIONS", 1, 1, 0),
        ("PUT", 0, 1, 0),
        ("DELETE", 0, 1, 0),
        ("POST", 0, 0, 0),
    ],
)
def test_properties_of_methods(method: str, safe: int, idempotent: int, cacheable: int) -> None:
    it = request(method=method)
    assert (it.is_safe, it.is_idempotent, it.is_cacheable) == (bool(safe), bool(idempotent), bool(cacheable))


# --- the rest ---


def test_the_lambdas_own_things_come_from_the_context() -> None:
    context = Context()
    it = request(context=context)
    assert it.userCtx is context.userCtx and it.config.userConfig["setting_1"] == 1
    assert it.requestId == it.id == "1700000000,id" and it.logger is it.logger
    it.logger.warning("x")
    assert context.warnings == [("1700000000,id", "x")]


def test_only_ctx_takes_attributes() -> None:
    it = request()
    it.ctx.mine = 1
    assert it.ctx.mine == 1 and request().ctx is not it.ctx
    for name in ("mine", "json", "userCtx"):
        with pytest.raises(AttributeError):
            setattr(it, name, 1)


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    it = request()
    assert not hasattr(it, "nope")
    with pytest.raises(AttributeError, match="'StandaloneLambdaRequest' object has no attribute 'nope'"):
        it.nope


def test_the_sanic_application_is_missing_with_a_reason() -> None:
    with pytest.raises(AttributeError, match="lambdapool runs lambdas without a Sanic application"):
        request().app


def test_small_things() -> None:
    before = time.time()
    it = request()
    assert before <= it.startRequestTime <= time.time() and it.match_info == {}
    assert repr(it) == "<StandaloneLambdaRequest: POST /main>"


def test_every_public_name_has_a_docstring() -> None:
    assert all(text for name, text in StandaloneLambdaRequest.__slots__.items() if not name.startswith("_"))
    for name in dir(StandaloneLambdaRequest):
        if not name.startswith("_") and name not in StandaloneLambdaRequest.__slots__:
            assert inspect.getdoc(inspect.getattr_static(StandaloneLambdaRequest, name)), name


# --- copies ---


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


FORM = b"a=1&b=2"


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickled])
@pytest.mark.parametrize(
    "part",
    "headers cookies args query_args form files accept credentials match_info ctx dataForMonitoring logger".split(),
)
def test_the_parts_of_a_request_can_be_copied_and_pickled(part: str, how: Any) -> None:
    headers = [("Cookie", "a=b"), ("Authorization", "Bearer x"), ("Content-Type", "application/x-www-form-urlencoded")]
    context = Context()
    context.loggerFor = RequestLogger  # type: ignore[method-assign]
    value = getattr(request(FORM, headers, b"a=1&a=2", context=context), part)

    made = how(value)

    assert type(made) is type(value)
    assert made.extra == value.extra if part == "logger" else made == value


def test_copied_headers_keep_all_values_of_a_name_and_ignore_case() -> None:
    headers = request(headers=[("X", "1"), ("Y", "2"), ("x", "3")]).headers

    for made in (copy.copy(headers), copy.deepcopy(headers), pickled(headers)):
        assert list(made.items()) == [("x", "1"), ("y", "2"), ("x", "3")]
        assert made.getall("X") == ["1", "3"] and made.y == "2"


class Uncopyable:
    def __reduce_ex__(self, protocol: object) -> Any:
        raise AssertionError("nobody copies what a lambda holds")


class OneTime:
    """Like the channel's own headers: nothing that could be pickled."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._lock = threading.Lock()
        self._pairs = pairs

    def __iter__(self) -> Any:
        return iter(self._pairs)


def held_request(cls: type[StandaloneLambdaRequest] = StandaloneLambdaRequest) -> StandaloneLambdaRequest:
    context = Context()
    context.userCtx = Uncopyable()
    context.loggerFor = lambda requestId: Uncopyable()  # type: ignore[method-assign,assignment,return-value]
    headers = OneTime([("X", "1"), ("Content-Type", "application/json")])
    return cls(context, "1700000000,id", "POST", b"/main", b"a=1", headers, b'{"a": [1]}', "10.0.0.7", 1)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("cls", [StandaloneLambdaRequest, HandlersLambdaRequest])
@pytest.mark.parametrize("parsed", [False, True])
def test_a_copied_request_reads_as_the_request_does(how: Any, cls: type[StandaloneLambdaRequest], parsed: bool) -> None:
    it = held_request(cls)
    if parsed:
        it.json, it.args, it.logger, it.headers

    made = how(it)

    assert type(made) is cls and repr(made) == repr(it)
    assert (made.json, made.args, made.headers["x"], made.body) == ({"a": [1]}, {"a": ["1"]}, "1", it.body)
    assert (made.requestId, made.ip, made.startRequestTime) == (it.requestId, it.ip, it.startRequestTime)
    assert made.userCtx is it.userCtx and made.config is it.config and (made.logger is it.logger) is parsed


def test_what_is_done_to_a_deep_copy_leaves_the_request_alone() -> None:
    it = held_request()
    it.ctx.mine = [1]
    it.json, it.headers, it.args

    made = copy.deepcopy(it)
    made.json["a"].append(2)
    made.headers["x"] = "2"
    made.args["a"].append("2")
    made.ctx.mine.append(2)

    assert (it.json, it.headers["x"], it.args, it.ctx.mine) == ({"a": [1]}, "1", {"a": ["1"]}, [1])


def test_a_deep_copy_of_a_request_within_itself_ends() -> None:
    it = held_request()
    it.ctx.request = it

    made = copy.deepcopy(it)

    assert made.ctx.request is made


def test_a_copy_shares_what_was_parsed_and_keeps_what_it_parses_itself() -> None:
    it = held_request()
    it.ctx.mine = 1

    made = copy.copy(it)
    made.get_form()

    assert made.ctx is it.ctx and made.json is not it.json
    assert it._kept is not None and "form" not in it._kept


def test_pickling_a_request_says_what_to_pickle() -> None:
    with pytest.raises(TypeError, match="StandaloneLambdaRequest cannot be pickled.*request.json, request.headers"):
        pickle.dumps(held_request())
