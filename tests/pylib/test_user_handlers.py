"""Additional routes, served."""

import json

import pytest

PRELUDE = """
from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest, UserException, logger

async def main(request: StandaloneLambdaRequest) -> dict:
    return {"result": "main route response"}

"""

MANUAL = (
    PRELUDE
    + r'''
UUID_REGEXP_STR = r"[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"
PARAMETERS = []

class ParameterHandler(LambdaUserHandler):
    """Parameter handler"""

    route: str = f"/parameters/<parameter:{UUID_REGEXP_STR}>"

    async def post(self, parameter):
        PARAMETERS.append(parameter)
        return self.sendResponse(201, json={"response": parameter})

    async def head(self, parameter):
        if parameter not in PARAMETERS:
            return self.sendResponse(404, body="Parameter not found", headers={"Content-Type": "text/plain"})
        return self.sendResponse(204)


class ParametersHandler(LambdaUserHandler):
    """Parameters handler"""

    route: str = "/parameters"

    async def get(self):
        return self.sendResponse(200, body="; ".join(PARAMETERS), headers={"Content-Type": "text/plain"})


class TwoParameters(LambdaUserHandler):
    route: str = r"/new_route/<parameterOne:.*>/<parameterTwo:.*>"

    async def post(self, parameterOne, parameterTwo):
        return self.sendResponse(201, json={"response": [parameterOne, parameterTwo]})


class BaseAdditionalHandler(LambdaUserHandler):
    def getResponse(self, parameter):
        return {"response": parameter}


class Inheriting(BaseAdditionalHandler):
    route: str = r"/inherited/<parameter:.*>"

    async def post(self, parameter):
        return self.sendResponse(201, json=self.getResponse(parameter))


ROUTES_TO_ADD = [ParameterHandler, ParametersHandler, TwoParameters, Inheriting]
'''
)
FIRST = b"11111111-2222-4333-8444-555555555555"
SECOND = b"a1111111-2222-4333-8444-555555555555"


def handler(body, route="/r", before="", name="Handler"):
    """A lambda with one handler; body: its methods, without indentation."""
    lines = "\n".join(f"    {line}" for line in body.strip("\n").split("\n"))
    class_ = f"class {name}(LambdaUserHandler):\n    route = {route!r}\n{lines}\n"
    return f"{PRELUDE}\n{before}\n{class_}\nROUTES_TO_ADD = [{name}]\n"


def get(code, **more):
    """A lambda whose GET /r runs the code."""
    lines = "\n".join(f"    {line}" for line in code.strip("\n").split("\n"))
    return handler(f"async def get(self):\n{lines}", **more)


def ask(hosted, source, method="GET", path=b"/r", **more):
    """The answer to one request, and the channel."""
    kept = []
    options = more.pop("options", {})

    async def drive(channel):
        kept.append(await channel.ask(method, path, **more))

    channel = hosted.write(source).run(drive, **options)
    return kept[0], channel


def ask_get(hosted, code, **more):
    return ask(hosted, get(code), **more)[0]


# --- the manual


def test_the_manuals_parameters_are_posted_headed_and_got(hosted):
    async def drive(channel):
        answer = await channel.ask("POST", b"/parameters/" + FIRST)
        assert (answer.status, answer.json) == (201, {"response": FIRST.decode()})
        assert answer.headers == {"Content-Type": "application/json"}

        answer = await channel.ask("HEAD", b"/parameters/" + FIRST)
        assert (answer.status, answer.headers, answer.body) == (204, {}, b"")
        answer = await channel.ask("HEAD", b"/parameters/" + SECOND)
        assert (answer.status, answer.headers) == (404, {"Content-Type": "text/plain"})
        assert answer.body == b"Parameter not found"

        await channel.ask("POST", b"/parameters/" + SECOND)
        answer = await channel.ask("GET", b"/parameters")
        assert (answer.status, answer.headers) == (200, {"Content-Type": "text/plain"})
        assert answer.body == FIRST + b"; " + SECOND
        assert (await channel.ask()).json == {"result": "main route response"}

    hosted.write(MANUAL).run(drive)


def test_the_manuals_two_parameters_and_inheritance(hosted):
    async def drive(channel):
        answer = await channel.ask("POST", b"/new_route/a/b%20c")
        assert (answer.status, answer.json) == (201, {"response": ["a", "b%20c"]})
        answer = await channel.ask("POST", b"/new_route//")
        assert answer.json == {"response": ["", ""]}
        answer = await channel.ask("POST", b"/inherited/x")
        assert (answer.status, answer.json) == (201, {"response": "x"})

    hosted.write(MANUAL).run(drive)


@pytest.mark.parametrize(
    "method, path, status, code, allow",
    [
        ("GET", b"/parameters/" + FIRST, 405, 12021, "POST, HEAD"),
        ("POST", b"/parameters", 405, 12021, "GET"),
        ("HEAD", b"/parameters", 405, 12021, "GET"),
        ("OPTIONS", b"/parameters", 405, 12021, "GET"),
        ("GET", b"/parameters/x", 404, 12013, None),
        ("GET", b"/new_route/a/b/c", 404, 12013, None),
        ("GET", b"/new_route/\xff/b", 404, 12013, None),
        ("GET", b"/main", 405, 12021, "POST"),
    ],
)
def test_other_methods_and_paths_are_refused(hosted, method, path, status, code, allow):
    answer, _ = ask(hosted, MANUAL, method, path)
    assert (answer.status, answer.code, answer.headers.get("Allow")) == (status, code, allow)


@pytest.mark.parametrize(
    "method, path, route",
    [
        ("POST", b"/main", "/main"),
        ("GET", b"/main", "/main"),
        ("GET", b"/parameters/", "/parameters"),
        ("GET", b"/new_route/a/b", "/new_route/<parameterOne:.*>/<parameterTwo:.*>"),
        ("POST", b"/new_route/a/b", "/new_route/<parameterOne:.*>/<parameterTwo:.*>"),
        ("GET", b"/healthcheck", "/healthcheck"),
        ("GET", b"/docs/spec", "/docs/spec"),
        ("GET", b"/config", "/config"),
        ("GET", b"/nothing", ""),
    ],
)
def test_answers_carry_the_template_of_their_route(hosted, method, path, route):
    assert ask(hosted, MANUAL, method, path)[0].route == route


@pytest.mark.parametrize("path", [b"/healthcheck", b"/healthcheck/", b"/%68ealthcheck", b"/docs/spec", b"/config"])
def test_the_hosts_routes_are_there_beside_a_route_for_everything(hosted, path):
    source = handler('async def get(self, rest):\n    return self.sendResponse(body="mine")', "/<rest:path>")
    answer, _ = ask(hosted, source, "GET", path)
    assert answer.status == 200
    assert (answer.body == b"mine") is (path not in (b"/healthcheck", b"/docs/spec", b"/config"))


def test_files_of_the_folder_static_are_served(hosted):
    hosted.write("text", "static/sub/a.txt").write(b"x" * 3_000_000, "static/large.bin")

    async def drive(channel):
        answer = await channel.ask("GET", b"/static/sub/a.txt")
        assert (answer.status, answer.body, answer.route) == (200, b"text", "/static/<path>")
        assert (await channel.ask("GET", b"/static/none")).status == 404
        assert (await channel.ask("POST", b"/static/sub/a.txt")).status == 405
        number = channel.send("GET", b"/static/large.bin")
        assert (await channel.streamed(number)).body == b"x" * 3_000_000
        number = channel.send("HEAD", b"/static/large.bin")
        assert (await channel.streamed(number)).body == b""

    hosted.write(PRELUDE).run(drive)


# --- the handler's life


def test_each_request_has_an_instance_and_its_methods_get_the_parameters_only(hosted):
    source = handler(
        """
count = 0
def __init__(self, request):
    super().__init__(request)
    type(self).count += 1
async def get(self, *args, **kwargs):
    return self.sendResponse(json=[type(self).count, list(args), kwargs, self.request.match_info, self.route])
""",
        "/r/<a:int>/<b>",
    )

    async def drive(channel):
        for number in (1, 2):
            arguments = {"a": 7, "b": "x"}
            answer = await channel.ask("GET", b"/r/7/x")
            assert answer.json == [number, [], arguments, arguments, "/r/<a:int>/<b>"]

    hosted.write(source).run(drive)


def test_begin_comes_before_the_constructor_and_before_patterns(hosted):
    begun = []
    source = handler(
        """
def __init__(self, request):
    logger.info("constructed")
    super().__init__(request)
async def get(self, x):
    return self.sendResponse()
""",
        r"/r/<x:\d+>",
    )

    async def drive(channel):
        channel.on_begin = lambda id: begun.append(channel.texts())
        number = channel.send("GET", b"/r/1")
        assert channel.begun == []
        await channel.answer(number)
        assert (await channel.ask("GET", b"/r/x")).status == 404
        assert channel.begun == [(1, 1), (2, 2)]

    hosted.write(source).run(drive)
    assert begun[0] == []


def test_the_request_is_the_one_of_main(hosted):
    answer, _ = ask(
        hosted,
        handler(
            """
async def put(self, x):
    request = self.request
    request.logger.info("from the handler")
    return self.sendResponse(json=[request.method, request.path, request.json, request.args, request.userCtx.value,
                                   request.uri_template, request.endpoint, self.config is request.config])
""",
            "/r/<x>",
            before="class UserCtx:\n    value = 5\n",
        ),
        "PUT",
        b"/r/%20",
        body={"a": 1},
        query=b"q=1",
    )
    assert answer.json == ["PUT", "/r/%20", {"a": 1}, {"q": ["1"]}, 5, "/r/<x>", "Handler.put", True]


def test_main_has_a_uri_template_as_well(hosted):
    source = (
        "async def main(request):\n"
        "    return [request.uri_template, request.endpoint, request.name, request.match_info]\n"
    )
    assert ask(hosted, source, "POST", b"/main")[0].json == ["/main", "main", "main", {}]


@pytest.mark.parametrize("name", ["self.app", "self.request.app", "self.request.route"])
def test_what_lambdapool_has_not_says_so(hosted, name):
    answer = ask_get(hosted, f"return self.sendResponse(json={name})")
    assert answer.status == 500
    assert "lambdapool runs lambdas without" in answer.detail


def test_decorators_are_around_the_route_the_last_one_outermost(hosted):
    answer, _ = ask(
        hosted,
        handler(
            """
decorators = [named("inner"), named("outer")]
async def get(self, x):
    SEEN.append(x)
    return self.sendResponse(json=SEEN)
""",
            "/r/<x>",
            before="""
SEEN = []
def named(name):
    def decorator(function):
        async def wrapper(request, **parameters):
            SEEN.append([name, request.method, parameters])
            return await function(request, **parameters)
        return wrapper
    return decorator
""",
        ),
        path=b"/r/y",
    )
    assert answer.json == [["outer", "GET", {"x": "y"}], ["inner", "GET", {"x": "y"}], "y"]


@pytest.mark.parametrize("name", ["dispatchRequest", "dispatch_request"])
def test_dispatching_can_be_overridden(hosted, name):
    source = handler(
        f"""
async def {name}(self, request, *args, **kwargs):
    if request.headers.get("x-secret") != "1":
        return self.sendResponse(403)
    return await super().{name}(request, *args, **kwargs)
async def get(self, x):
    return self.sendResponse(json=x)
""",
        "/r/<x:int>",
    )

    async def drive(channel):
        assert (await channel.ask("GET", b"/r/1")).status == 403
        assert (await channel.ask("GET", b"/r/1", headers=[("X-Secret", "1")])).json == 1

    hosted.write(source).run(drive)


def test_only_the_methods_of_the_class_itself_are_served(hosted):
    source = (
        PRELUDE
        + """
class Base(LambdaUserHandler):
    route = "/base"
    async def get(self):
        return self.sendResponse(json="base")

class Final(Base):
    route = "/final"
    async def post(self):
        return self.sendResponse(json=self.getAllowedMethods())

ROUTES_TO_ADD = [Final, Base]
"""
    )

    async def drive(channel):
        assert (await channel.ask("POST", b"/final")).json == ["POST"]
        assert (await channel.ask("GET", b"/base")).json == "base"
        answer = await channel.ask("GET", b"/final")
        assert (answer.status, answer.headers) == (405, {"Allow": "POST"})

    hosted.write(source).run(drive)


# --- what methods return


@pytest.mark.parametrize(
    "code, status, headers, body",
    [
        ("self.sendResponse()", 200, {}, b""),
        ("self.sendResponse(299)", 299, {}, b""),
        ("self.sendResponse(599, body='x')", 599, {}, b"x"),
        ("self.sendResponse(json={'a': 'ü'})", 200, {"Content-Type": "application/json"}, '{"a":"ü"}'.encode()),
        ("self.sendResponse(json=[])", 200, {"Content-Type": "application/json"}, b"[]"),
        ("self.sendResponse(json=0)", 200, {"Content-Type": "application/json"}, b"0"),
        ("self.sendResponse(json=None)", 200, {}, b""),
        ("self.sendResponse(body='ü')", 200, {}, "ü".encode()),
        ("self.sendResponse(body=b'\\xff')", 200, {}, b"\xff"),
        ("self.sendResponse(body=bytearray(b'a'))", 200, {}, b"a"),
        ("self.sendResponse(body=memoryview(b'a'))", 200, {}, b"a"),
        ("self.sendResponse(json=1, headers={'content-type': 'a/b'})", 200, {"content-type": "a/b"}, b"1"),
        ("self.sendResponse(headers={'A': 5, 'B': 1.5, 'C': b'c'})", 200, {"A": "5", "B": "1.5", "C": "c"}, b""),
        ("self.sendResponse(headers=[('X-A', ' a\\t')])", 200, {"X-A": "a"}, b""),
        ("self.success()", 200, {}, b""),
        ("self.success(201, {'a': 1})", 201, {"Content-Type": "application/json"}, b'{"a":1}'),
        ("self.success(body='a', contentType='b/c')", 200, {"Content-Type": "b/c"}, b"a"),
        ("self.success(body='a', extraHeaders={'A': 'b'})", 200, {"A": "b"}, b"a"),
        ("self.success(json=1, headers={'A': 'b'})", 200, {"Content-Type": "application/json", "A": "b"}, b"1"),
    ],
)
def test_a_response_is_sent_as_it_was_made(hosted, code, status, headers, body):
    answer = ask_get(hosted, f"return {code}")
    assert (answer.kind, answer.status, answer.headers, answer.body) == ("", status, headers, body)


def test_a_header_may_be_repeated(hosted):
    seen = []

    async def drive(channel):
        channel.respond_raw = None
        original = channel.respond
        channel.respond = lambda id, status, headers, body, route="": (
            seen.extend(headers),
            original(id, status, headers, body, route),
        )
        await channel.ask("GET", b"/r")

    code = "response = self.sendResponse()\nresponse.headers.add('Set-Cookie', 'a=1')\n"
    code += "response.headers.add('Set-Cookie', 'b=2')\nreturn response"
    hosted.write(get(code)).run(drive)
    assert seen == [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


@pytest.mark.parametrize(
    "code, detail",
    [
        ("return None", "Handler.get returned None; it must return self.sendResponse(...)"),
        ("pass", "Handler.get returned None; it must return self.sendResponse(...)"),
        ("return {'a': 1}", "Handler.get returned a dict; it must return self.sendResponse(...)"),
        ("return []", "Handler.get returned a list; it must return self.sendResponse(...)"),
        ("return 'text'", "Handler.get returned a str; it must return self.sendResponse(...)"),
        ("return 5", "Handler.get returned an int; it must return self.sendResponse(...)"),
        ("return self.sendResponse(json=1, body='a')", "'json' and 'body' parameters can`t be specified at once"),
        ("return self.sendResponse(199)", "the status of a response is 199; it must be an int from 200 to 599"),
        ("return self.sendResponse(600)", "the status of a response is 600; it must be an int from 200 to 599"),
        ("return self.sendResponse('200')", "the status of a response is '200'; it must be an int from 200 to 599"),
        ("return self.sendResponse(True)", "the status of a response is True; it must be an int from 200 to 599"),
        ("return self.sendResponse(body=5)", "the body of a response is of type int; it must be str or bytes"),
        ("return self.sendResponse(json={'a': {1}})", 'result["a"] is a set, which JSON cannot hold'),
        ("return self.sendResponse(headers={'X A': 'a'})", "'X A' cannot be the name of a header"),
        ("return self.sendResponse(headers={'': 'a'})", "'' cannot be the name of a header"),
        ("return self.sendResponse(headers={5: 'a'})", "5 cannot be the name of a header"),
        ("return self.sendResponse(headers={'A': 'a\\nB: b'})", "the value of the header A has a line break"),
        ("return self.sendResponse(headers={'A': 'a\\x00'})", "the value of the header A has a line break"),
        ("return self.sendResponse(headers={'A': None})", "the value of the header A is None; it must be str"),
        ("return self.sendResponse(headers={'A': '\\ud800'})", "the value of the header A has a lone surrogate"),
        ("return self.sendResponse(headers=['A'])", "headers must be a dict, or pairs"),
        ("r = self.sendResponse()\nr.headers['A'] = 'b\\r'\nreturn r", "Handler.get: the value of the header A has a"),
        ("r = self.sendResponse()\nr.status = 700\nreturn r", "Handler.get: the status of a response is 700"),
        ("return self.success(json=1, outputJson=2)", "'outputJson' and 'json' mean the same"),
    ],
)
def test_what_cannot_be_sent_is_a_500_that_says_why(hosted, code, detail):
    answer, channel = ask(hosted, get(code))
    assert (answer.status, answer.code, answer.desc) == (500, 42004, "Lambda exception")
    assert answer.detail.startswith(detail)
    assert "Handler.get" in "\n".join(channel.texts("error"))


@pytest.mark.parametrize(
    "argument, expected",
    [
        ("'why'", {"error_code": 42004, "desc": "Lambda exception", "detail": "why"}),
        ("ValueError('why')", {"error_code": 42004, "desc": "Lambda exception", "detail": "why"}),
        ("Mine()", {"error_code": 42004, "desc": "Lambda exception", "detail": "mine"}),
    ],
)
def test_error_makes_lunas_body(hosted, argument, expected):
    before = "class Mine(UserException):\n    errorText = 'mine'\n"
    answer, _ = ask(hosted, get(f"return self.error(409, {argument})", before=before))
    link = "https://docs.visionlabs.ai/info/luna/troubleshooting/errors-description/code-42004"
    assert (answer.status, answer.json) == (409, {**expected, "link": link})


def test_error_takes_ready_bodies_as_well(hosted):
    before = "class Ready:\n    def asDict(self):\n        return {'error_code': 7}\n"
    assert ask(hosted, get("return self.error(400, Ready())", before=before))[0].json == {"error_code": 7}
    assert ask_get(hosted, "return self.error(400, {'error_code': 8})").json == {"error_code": 8}


def test_set_method_not_allowed_is_lunas_405(hosted):
    answer = ask_get(hosted, "return self.setMethodNotAllowed()")
    assert (answer.status, answer.headers["Allow"], answer.json["error_code"]) == (405, "GET", 12021)


# --- exceptions


def test_an_exception_is_a_500_and_the_log_names_the_handler(hosted):
    answer, channel = ask(hosted, get("return 1 / 0"))
    assert (answer.status, answer.kind, answer.detail) == (500, "lambda_exception", "division by zero")
    (text,) = channel.texts("error")
    assert text.startswith("Handler.get failed\nTraceback")
    assert "lambda_main.py" in text and "private" not in text


def test_user_exceptions_are_answered_and_not_logged(hosted):
    before = "class Mine(UserException):\n    statusCode = 418\n    errorText = 'short'\n"
    answer, channel = ask(hosted, get("raise Mine", before=before))
    assert (answer.status, answer.kind, answer.detail) == (418, "user_exception", "short")
    assert channel.texts("error") == []


def test_a_failing_constructor_is_a_500(hosted):
    body = "def __init__(self, request):\n    raise ValueError('no')\nasync def get(self):\n    pass"
    assert ask(hosted, handler(body))[0].detail == "no"


def test_a_cancelled_handler_is_told_as_cancelled(hosted):
    async def drive(channel):
        number = channel.send("GET", b"/r")
        await channel.line("inside")
        channel.on_cancel(number, "timeout")
        assert (await channel.answer(number)).status == 504

    hosted.write(get("import asyncio\nlogger.info('inside')\nawait asyncio.sleep(60)")).run(drive)


# --- what requests ask for


@pytest.mark.parametrize(
    "code, query, expected",
    [
        ("self.getQueryParam('a')", b"a=1&a=2", "1"),
        ("self.getQueryParam('a')", b"", None),
        ("self.getQueryParam('a')", b"a=", ""),
        ("self.getQueryParam('a', default=5)", b"", 5),
        ("self.getQueryParam('a', int)", b"a=7", 7),
        ("self.getQueryParam('a', validator=int, default='x')", b"b=7", "x"),
        ("self.getQueryParam('a', int, True)", b"a=7", 7),
        ("self.getPagination()", b"", [1, 10]),
        ("self.getPagination(3, 20)", b"", [3, 20]),
        ("self.getPagination()", b"page=2&page_size=100", [2, 100]),
        ("self.getPagination(maxPageSize=1000)", b"page_size=1000", [1, 1000]),
        ("self.getPagination()", b"page=1&page_size=1", [1, 1]),
        ("self.getAccountIdFromHeader(required=False)", b"", None),
    ],
)
def test_arguments_of_the_query_are_read(hosted, code, query, expected):
    assert ask_get(hosted, f"return self.sendResponse(json=[{code}])", query=query).json == [expected]


@pytest.mark.parametrize(
    "code, query, code_and_detail",
    [
        ("self.getQueryParam('a', require=True)", b"b=1", (12012, "Bad query parameters 'a'")),
        ("self.getQueryParam('a', int)", b"a=x", (12012, "Bad query parameters 'a'")),
        ("self.getQueryParam('a', int)", b"a=", (12012, "Bad query parameters 'a'")),
        ("self.getPagination()", b"page=0", (12012, "Bad query parameters 'page'")),
        ("self.getPagination()", b"page=x", (12012, "Bad query parameters 'page'")),
        ("self.getPagination()", b"page=1_0", (12012, "Bad query parameters 'page'")),
        ("self.getPagination()", b"page_size=0", (12012, "Bad query parameters 'page_size'")),
        ("self.getPagination()", b"page_size=101", (12012, "Bad query parameters 'page_size'")),
        ("self.getPagination()", b"page_size=-1", (12012, "Bad query parameters 'page_size'")),
        ("self.getAccountIdFromHeader()", b"", (12031, "Header 'Luna-Account-Id' is required")),
    ],
)
def test_bad_arguments_are_a_400(hosted, code, query, code_and_detail):
    answer, channel = ask(hosted, get(f"return self.sendResponse(json={code})"), query=query)
    assert (answer.status, answer.code, answer.detail) == (400, *code_and_detail)
    assert channel.texts("error") == []


@pytest.mark.parametrize(
    "value, is_good",
    [(FIRST.decode(), True), (FIRST.decode() + "0", False), (SECOND.decode().upper(), False), ("", False)],
)
def test_the_account_id_must_be_a_uuid(hosted, value, is_good):
    code = "return self.sendResponse(json=self.getAccountIdFromHeader())"
    answer = ask_get(hosted, code, headers=[("luna-account-id", value)])
    if is_good:
        assert answer.json == value
    else:
        assert (answer.status, answer.code) == (400, 12031)
        assert answer.detail == "Bad header 'Luna-Account-Id': it must be a UUID in lower case"


MODEL = """
from typing import List, Optional
from pydantic import BaseModel, Field

class Inner(BaseModel):
    size: int

class Model(BaseModel):
    name: str
    inner: Optional[Inner] = None
    tags: List[str] = []
    other: Optional[List[int]] = None
    short: int = Field(5, alias="s")
"""


@pytest.mark.parametrize(
    "body, expected",
    [
        ({"name": "a", "inner": {"size": 3}, "tags": ["x"], "s": 6}, ["a", 3, ["x"], 6]),
        ({"name": "a", "inner": {"size": "x"}}, "Failed to validate input json. Path: 'inner.size' message: '"),
        ({}, "Failed to validate input json. Path: 'name' message: '"),
        (5, "Failed to validate input json. Path: '' message: '"),
    ],
)
@pytest.mark.parametrize("how", ["loadDataFromJson", "validateJson"])
def test_json_is_loaded_into_a_model(hosted, how, body, expected):
    pytest.importorskip("pydantic")
    code = f"m = self.{how}(self.request.json, Model)\n"
    code += "return self.sendResponse(json=[m.name, m.inner and m.inner.size, m.tags, m.short])"
    source = handler("async def post(self):\n    " + code.replace("\n", "\n    "), before=MODEL)
    answer, _ = ask(hosted, source, "POST", body=body)
    if isinstance(expected, str):
        assert (answer.status, answer.code, answer.desc) == (400, 12022, "Bad/incomplete input data")
        assert answer.detail.startswith(expected)
    else:
        assert answer.json == expected


@pytest.mark.parametrize(
    "query, expected",
    [
        (b"name=a", ["a", [], None, 5]),
        (b"name=a&tags=x&other=1&s=7", ["a", ["x"], [1], 7]),
        (b"name=a&tags=x&tags=y&other=1&other=2", ["a", ["x", "y"], [1, 2], 5]),
        (b"", "Bad query parameters 'name'"),
        (b"name=a&s=x", "Bad query parameters 's'"),
        (b"name=a&name=b", "Bad query parameters 'name'"),
        (b"name=a&other=1&other=x", "Bad query parameters 'other'"),
    ],
)
def test_the_query_is_loaded_into_a_model(hosted, query, expected):
    pytest.importorskip("pydantic")
    code = "m = self.loadDataFromQuery(Model)\nreturn self.sendResponse(json=[m.name, m.tags, m.other, m.short])"
    answer, _ = ask(hosted, get(code, before=MODEL), query=query)
    if isinstance(expected, str):
        assert (answer.status, answer.code, answer.detail) == (400, 12012, expected)
    else:
        assert answer.json == expected


MODERN = """
from typing import Annotated, Any

class ValidationError(ValueError):
    def errors(self):
        return [{"loc": ("a", 0, "b"), "msg": "bad"}]

class Field:
    annotation = Annotated[list[str], "x"]
    alias = None
    validation_alias = "wire"

class Modern:
    model_fields = {"many": Field()}
    @classmethod
    def model_validate(cls, data):
        if data.get("fail"):
            raise ValidationError()
        return data
"""


def test_models_of_pydantic_2_are_loaded_by_their_own_methods(hosted):
    code = "return self.sendResponse(json=[self.loadDataFromJson({'a': 1}, Modern), self.loadDataFromQuery(Modern)])"
    answer, _ = ask(hosted, get(code, before=MODERN), query=b"wire=1&x=2")
    assert answer.json == [{"a": 1}, {"wire": ["1"], "x": "2"}]
    answer, _ = ask(hosted, get("self.loadDataFromJson({'fail': 1}, Modern)", before=MODERN))
    assert answer.detail == "Failed to validate input json. Path: 'a.0.b' message: 'bad'"
    answer, _ = ask(hosted, get("self.loadDataFromQuery(Modern)", before=MODERN), query=b"fail=1")
    assert answer.detail == "Bad query parameters 'a'"


def test_what_is_no_model_is_the_lambdas_fault(hosted):
    answer = ask_get(hosted, "self.loadDataFromJson({}, dict)")
    assert (answer.status, answer.detail[:24]) == (500, "dict is no model of pyda")


def test_json_is_checked_by_functions_and_schemas(hosted):
    before = """
class Fault:
    absolute_path = ["a", 1]
    message = "too small"

class Schema:
    def iter_errors(self, data):
        return [Fault()] if data else []

def check(data):
    if data:
        raise ValueError("not empty")
"""
    good = "return self.sendResponse(json=[self.validateJson({}, check), self.validateJson([], Schema())])"
    assert ask(hosted, get(good, before=before))[0].json == [{}, []]
    answer, _ = ask(hosted, get("self.validateJson([1], check)", before=before))
    assert (answer.code, answer.detail) == (12022, "Failed to validate input json. Path: '' message: 'not empty'")
    answer, _ = ask(hosted, get("self.validateJson([1], Schema())", before=before))
    assert answer.detail == "Failed to validate input json. Path: 'a.1' message: 'too small'"
    assert ask(hosted, get("self.validateJson([1], 5)", before=before))[0].status == 500


def test_a_body_that_is_no_json_is_a_bad_request(hosted):
    source = handler("async def post(self):\n    return self.sendResponse(json=self.request.json)")
    answer, channel = ask(hosted, source, "POST", body=b"{")
    assert (answer.status, answer.code) == (400, 12002)
    assert channel.texts("error") == []


def test_data_for_monitoring_is_collected_and_logged(hosted):
    code = """
self.addDataForMonitoring(tags={"a": 1})
self.addDataForMonitoring(fields={"b": 2.5}, tags={"c": "d"})
data = self.request.dataForMonitoring
return self.sendResponse(json=[data.tags, data.fields])
"""
    answer, channel = ask(hosted, get(code), options={"log_level": "debug"})
    assert answer.json == [{"a": 1, "c": "d"}, {"b": 2.5}]
    assert "monitoring: tags {'a': 1, 'c': 'd'}, fields {'b': 2.5}" in channel.texts("debug")


# --- starting


def test_routes_are_as_they_were_found_at_the_start(hosted):
    source = handler("async def get(self):\n    return self.sendResponse()", "/r/")
    answer, channel = ask(hosted, source, "GET", b"/r")
    assert answer.status == 200
    assert channel.texts("warning") == []


def test_a_surprising_template_is_a_warning_at_the_start(hosted):
    source = handler("async def get(self, x):\n    return self.sendResponse()", "/r/<x:string>")
    channel = hosted.write(source).run()
    (text,) = channel.texts("warning")
    assert text.startswith("the route /r/<x:string> of Handler: <x:string> matches only the text 'string'")


def test_attach_says_what_to_do_instead(hosted):
    answer = ask_get(hosted, "self.attach(None)")
    assert answer.detail == "lambdapool adds the routes of a lambda itself; put Handler into ROUTES_TO_ADD"


def test_a_handler_can_be_tested_without_a_host():
    import asyncio

    from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest
    from luna_lambda_tools.private.context import Context

    class Handler(LambdaUserHandler):
        route = "/r/<x>"

        async def get(self, x):
            return self.sendResponse(json={"x": x})

    request = StandaloneLambdaRequest(Context(), "id", "GET", b"/r/1", b"", [], b"", "::1", 1)
    response = asyncio.run(Handler(request).get("1"))
    assert (response.status, json.loads(response.body), response.content_type) == (200, {"x": "1"}, "application/json")
    assert asyncio.run(Handler.as_view()(request, x="2")).body == b'{"x":"2"}'
    with pytest.raises(RuntimeError, match="nothing can be streamed"):
        Handler(request).stream()
