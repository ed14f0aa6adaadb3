"""The OpenAPI document of a lambda."""

import json
import re
from pathlib import Path

import docs_support as support
import jsonschema
import pytest
import yaml
from docs_support import no_lambda_stays  # noqa: F401
from luna_lambda_tools.private.default_routes import docs

SCHEMA = Path("/usr/share/openapi-specification/schemas/v3.0/schema.json")
ROUTE = """
from luna_lambda_tools import LambdaUserHandler
class Handler(LambdaUserHandler):
    route = {route!r}
    async def get(self, {arguments}):
        return self.sendResponse(200)
ROUTES_TO_ADD = [Handler]
async def main(request):
    return {{}}
"""
TASKS = Path(__file__).resolve().parents[1] / "lambdas" / "manual_tasks_routes" / "lambda_main.py"


def validated(document):
    """Checks against the OpenAPI Initiative's own schema and what that schema cannot say."""
    assert SCHEMA.exists(), "the package openapi-specification is missing"
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(document)
    ids, shapes = [], set()
    for path, item in document["paths"].items():
        shape = re.sub(r"\{.*?\}", "{}", path)
        assert shape not in shapes, f"two paths look like {shape}"
        shapes.add(shape)
        for operation in item.values():
            ids.append(operation["operationId"])
            names = [each["name"] for each in operation["parameters"] if each.get("in") == "path"]
            assert names == re.findall(r"\{(.*?)\}", path)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'"\$ref": "#/(.*?)"', json.dumps(document)):
        found = document
        for step in target.split("/"):
            found = found[step]
    return document


def document_of(folder, source=support.MANUAL, **more):
    """By way of its YAML."""
    lambda_ = support.model_of(folder, source, **more)
    reply = docs.docs_reply(support.request("application/x-yaml"), lambda_)
    document = yaml.safe_load(reply.body)
    assert document == docs.spec(lambda_)
    return validated(document)


def operation_of(folder, body, signature="self", method="get", before="", route="/extra"):
    """Of one handler with one method."""
    source = f"""
from luna_lambda_tools import LambdaUserHandler
{before}
class Handler(LambdaUserHandler):
    route = {route!r}
    async def {method}({signature}):
        {body}
ROUTES_TO_ADD = [Handler]
async def main(request):
    return {{}}
"""
    document = document_of(folder, source)
    return document["paths"][route][method], document


def test_the_document_of_the_manuals_lambda(tmp_path):
    document = document_of(tmp_path)
    assert (document["info"]["title"], document["info"]["version"]) == ("faces", "3")
    paths = document["paths"]
    assert list(paths) == [
        "/main",
        "/parameters/{parameter}",
        "/parameters",
        "/healthcheck",
        "/docs/spec",
        "/config",
        "/metrics",
        "/lambda_metrics",
    ]
    assert paths["/main"]["post"]["summary"] == "Main route"
    main_answers = paths["/main"]["post"]["responses"]
    assert main_answers["200"]["content"]["application/json"]["schema"] == {"type": "object"}
    parameter = paths["/parameters/{parameter}"]
    assert list(parameter) == ["post", "head"]
    assert parameter["post"]["summary"] == "Parameter handler"
    uuid = "[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"
    assert parameter["post"]["parameters"][0] == {
        "name": "parameter",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": f"^{uuid}$"},
    }
    assert parameter["post"]["x-lambda-route"] == f"/parameters/<parameter:{uuid}>"
    assert list(parameter["post"]["responses"]) == ["201", "default"]
    assert list(parameter["head"]["responses"]) == ["204", "404", "default"]
    assert "requestBody" in parameter["post"] and "requestBody" not in parameter["head"]
    assert list(paths["/parameters"]["get"]["responses"]["200"]["content"]) == ["text/plain"]


def test_every_answer_has_lunas_headers_and_errors_have_lunas_shape(tmp_path):
    document = document_of(tmp_path, static_folder=str(tmp_path))
    answers = [
        answer
        for item in document["paths"].values()
        for operation in item.values()
        for answer in operation["responses"].values()
    ]
    for answer in answers:
        if "$ref" in answer:
            answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
            assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
        assert {"Luna-Request-Id", "Lambda-Version"} <= answer["headers"].keys()
    error = document["components"]["schemas"]["Error"]
    assert error["required"] == ["error_code", "desc", "detail", "link"] == list(error["properties"])


def test_the_folder_static_is_a_route_when_there_is_one(tmp_path):
    assert "/static/{path}" not in document_of(tmp_path)["paths"]
    paths = document_of(tmp_path, static_folder=str(tmp_path / "static"))["paths"]
    assert list(paths["/static/{path}"]) == ["get", "head"]


def test_the_modules_docstring_describes_the_lambda(tmp_path):
    document = document_of(tmp_path, '"""Counts faces.\n\n    Twice.\n    """\n' + support.MANUAL)
    assert document["info"]["description"] == "Counts faces.\n\nTwice."


def test_docstrings_become_summary_and_description(tmp_path):
    source = '''
from luna_lambda_tools import LambdaUserHandler
class Handler(LambdaUserHandler):
    """Things.

    All of them."""
    route = "/things"
    async def get(self):
        """Get things

        Slowly."""
        return self.sendResponse(200)
    async def put(self):
        return self.sendResponse(204)
ROUTES_TO_ADD = [Handler]
async def main(request):
    return {}
'''
    paths = document_of(tmp_path, source)["paths"]
    things = paths["/things"]
    assert things["get"]["summary"] == "Get things"
    assert things["get"]["description"] == "Slowly.\n\nThings.\n\nAll of them."
    assert (things["put"]["summary"], things["put"]["description"]) == ("Things.", "All of them.")
    assert paths["/main"]["post"]["summary"] == "Main route"


@pytest.mark.parametrize(
    "label, expected",
    [
        ("", {"type": "string", "minLength": 1}),
        (":str", {"type": "string", "minLength": 1}),
        (":strorempty", {"type": "string"}),
        (":int", {"type": "integer"}),
        (":float", {"type": "number"}),
        (":alpha", {"type": "string", "minLength": 1}),
        (":slug", {"type": "string", "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$"}),
        (":path", {"type": "string", "minLength": 1}),
        (":ymd", {"type": "string", "format": "date"}),
        (":uuid", {"type": "string", "format": "uuid"}),
        (r":\d+", {"type": "string", "pattern": r"^\d+$"}),
        (":a|b", {"type": "string", "pattern": "^(?:a|b)$"}),
        (":.*", {"type": "string", "pattern": "^.*$"}),
        (":(?i:abc)", {"type": "string"}),
        (":ext=txt|csv", {"type": "string", "pattern": r"^.+\..+$"}),
    ],
)
def test_types_of_path_parameters(tmp_path, label, expected):
    arguments = "name, ext" if label.startswith(":ext") else "name"
    source = ROUTE.format(route=f"/a/<name{label}>/b", arguments=arguments)
    (found,) = [
        each for each in document_of(tmp_path, source)["paths"]["/a/{name}/b"]["get"]["parameters"] if "name" in each
    ]
    assert found["schema"] == expected


def test_a_pattern_that_only_python_knows_is_told_in_words(tmp_path):
    source = ROUTE.format(route="/a/<name:(?i:abc)>", arguments="name")
    parameter = document_of(tmp_path, source)["paths"]["/a/{name}"]["get"]["parameters"][0]
    assert "`(?i:abc)`" in parameter["description"]


def test_routes_that_differ_in_types_only_are_all_there(tmp_path):
    source = """
from luna_lambda_tools import LambdaUserHandler
class A(LambdaUserHandler):
    route = "/a/<x:int>"
    async def get(self, x): return self.sendResponse(200)
class B(LambdaUserHandler):
    route = "/a/<y:alpha>"
    async def get(self, y): return self.sendResponse(200)
class C(LambdaUserHandler):
    route = "/a/<x:int>"
    async def put(self, x): return self.sendResponse(200)
ROUTES_TO_ADD = [A, B, C]
async def main(request):
    return {}
"""
    paths = document_of(tmp_path, source)["paths"]
    found = [(path, method) for path, item in paths.items() for method in item if path.startswith("/a/")]
    assert found == [("/a/{x}", "get"), ("/a/{x}", "put"), ("/a/{y}#2", "get")]


def test_handlers_of_the_same_name_have_ids_of_their_own(tmp_path):
    source = """
from luna_lambda_tools import LambdaUserHandler
def make(path):
    class Handler(LambdaUserHandler):
        route = path
        async def get(self): return self.sendResponse(200)
    return Handler
ROUTES_TO_ADD = [make("/a"), make("/b")]
async def main(request):
    return {}
"""
    paths = document_of(tmp_path, source)["paths"]
    assert [paths[path]["get"]["operationId"] for path in ("/a", "/b")] == ["getHandler", "getHandler2"]


@pytest.mark.parametrize(
    "body, expected",
    [
        ("return self.sendResponse()", {"200": None}),
        ("return self.sendResponse(statusCode=202, json=[])", {"202": ["application/json"]}),
        ("return self.sendResponse(200, None, b'x')", {"200": ["*/*"]}),
        ("return self.sendResponse(200, body='x', headers={'content-type': 'text/csv'})", {"200": ["text/csv"]}),
        ("return self.success(201, {'a': 1})", {"201": ["application/json"]}),
        ("return self.success(body=b'x', contentType='image/png')", {"200": ["image/png"]}),
        ("return self.error(409, 'taken')", {"409": ["application/json"]}),
        ("return self.stream(f(), contentType='text/csv')", {"200": ["text/csv"]}),
        ("return self.sendResponse(status, json={})", {"2XX": None}),
        ("return other()", {"2XX": None}),
        ("return self.sendResponse(999)", {"2XX": None}),
    ],
)
def test_answers_are_read_from_the_source(tmp_path, body, expected):
    operation, _ = operation_of(tmp_path, body)
    found = {
        status: list(answer["content"]) if "content" in answer else None
        for status, answer in operation["responses"].items()
        if status != "default"
    }
    assert found == expected


def test_what_a_method_asks_of_the_request_is_read_from_the_source(tmp_path):
    body = """
        self.getQueryParam("size", int, require=True)
        self.getQueryParam("name")
        self.getQueryParam(computed)
        self.getPagination()
        self.getAccountIdFromHeader()
        return self.sendResponse(204)"""
    operation, _ = operation_of(tmp_path, body)
    found = {
        (each["in"], each["name"]): (each["required"], each["schema"]) for each in operation["parameters"] if "in" in each
    }
    assert found == {
        ("query", "size"): (True, {"type": "integer"}),
        ("query", "name"): (False, {"type": "string"}),
        ("query", "page"): (False, {"type": "integer"}),
        ("query", "page_size"): (False, {"type": "integer"}),
        ("header", "Luna-Account-Id"): (True, {"type": "string", "format": "uuid"}),
    }


def test_models_that_a_method_loads_are_the_body_and_the_query(tmp_path):
    pytest.importorskip("pydantic")
    before = """
import pydantic
class Item(pydantic.BaseModel):
    size: int
class Query(pydantic.BaseModel):
    limit: int
    word: str = "x"
"""
    body = """
        item = self.loadDataFromJson(self.request.json, Item)
        query = self.loadDataFromQuery(Query)
        return self.sendResponse(200, json={})"""
    operation, document = operation_of(tmp_path, body, method="post", before=before)
    schema = {"$ref": "#/components/schemas/Item"}
    assert operation["requestBody"]["content"] == {"application/json": {"schema": schema}}
    assert document["components"]["schemas"]["Item"]["properties"]["size"]["type"] == "integer"
    assert [(each["name"], each["required"]) for each in operation["parameters"] if each.get("in") == "query"] == [
        ("limit", True),
        ("word", False),
    ]


def test_a_lambda_without_main_has_no_main(tmp_path):
    document = document_of(tmp_path, "", type="tasks")
    assert "/main" not in document["paths"]
    assert "main" not in [tag["name"] for tag in document["tags"]]


def test_the_document_of_the_manuals_tasks_lambda_is_valid(tmp_path):
    lambda_ = support.model_of(tmp_path, TASKS.read_text(), type="tasks")
    lambda_.task = support.loaded().LambdaTask
    document = validated(docs.spec(lambda_))
    assert [each.get("name") for each in document["paths"]["/main"]["post"]["parameters"]] == ["Luna-Account-Id", None]
    assert "get" in document["paths"]["/subtasks_done/{taskId}"]


@pytest.mark.parametrize("name", ["a: b", "- x", "é\u2028\U0001f600", "#", "null", "'\"", "\ud800", "&a *b", "%"])
def test_names_and_texts_survive_yaml(tmp_path, name):
    document = document_of(tmp_path, f"async def main(request):\n    {name + '.  x'!r}\n    return {{}}", name=name)
    assert document["info"]["title"] == name.replace("\ud800", "?")


def test_an_empty_name_and_version_are_still_valid(tmp_path):
    info = document_of(tmp_path, name="", version="")["info"]
    assert (info["title"], info["version"]) == ("lambda", "0")


def test_the_document_is_made_once_for_a_lambda(tmp_path):
    lambda_ = support.model_of(tmp_path, support.MANUAL)
    first = docs.docs_reply(support.request(), lambda_).body
    assert docs.docs_reply(support.request(), lambda_).body is first
    other = support.model_of(tmp_path, support.MANUAL, name="other")
    assert b"title: other" in docs.docs_reply(support.request(), other).body
