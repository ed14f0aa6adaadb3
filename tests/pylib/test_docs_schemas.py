"""Schemas from annotations."""

import pytest
from docs_support import no_lambda_stays  # noqa: F401
from luna_lambda_tools.private.default_routes.json_schema import to_openapi
from test_docs_spec import document_of

PREFIX = """
import dataclasses, datetime, enum, typing, uuid
from typing import Any, Literal, Optional, Union
class Color(enum.Enum):
    red = "r"
    blue = "b"
"""


def result_schema(folder, annotation, before=""):
    source = f"{PREFIX}\n{before}\nasync def main(request) -> {annotation}:\n    return {{}}"
    document = document_of(folder, source)
    content = document["paths"]["/main"]["post"]["responses"]["200"]["content"]
    return content["application/json"]["schema"], document["components"]["schemas"]


@pytest.mark.parametrize(
    "annotation, expected",
    [
        ("dict", {"type": "object"}),
        ("list", {"type": "array", "items": {}}),
        ("dict | list", {"anyOf": [{"type": "object"}, {"type": "array", "items": {}}]}),
        ("dict[str, int]", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("list[list[float]]", {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
        ("tuple[bool, ...]", {"type": "array", "items": {"type": "boolean"}}),
        ("Optional[str]", {"type": "string", "nullable": True}),
        ("Union[int, str, None]", {"anyOf": [{"type": "integer"}, {"type": "string"}], "nullable": True}),
        ("Literal['a', 'b']", {"type": "string", "enum": ["a", "b"]}),
        ("Literal[1, 'b']", {"enum": [1, "b"]}),
        ("Color", {"type": "string", "enum": ["r", "b"]}),
        ("list[datetime.datetime]", {"type": "array", "items": {"type": "string", "format": "date-time"}}),
        ("uuid.UUID", {"type": "string", "format": "uuid"}),
        ("typing.Annotated[int, 'x']", {"type": "integer"}),
        ("'dict'", {"type": "object"}),
        ("Any", {}),
        ("None", {}),
        ("'Missing'", {}),
        ("type(request_class := object())", {}),
        ("5", {}),
    ],
)
def test_plain_annotations(tmp_path, annotation, expected):
    assert result_schema(tmp_path, annotation)[0] == expected


def test_a_dataclass_and_a_typed_dict_become_components(tmp_path):
    before = '''
class Point(typing.TypedDict, total=False):
    """A place."""
    x: typing.Required[float]
    y: float
@dataclasses.dataclass
class Face:
    at: Point
    others: list["Face"] = dataclasses.field(default_factory=list)
'''
    schema, schemas = result_schema(tmp_path, "list[Face]", before)
    assert schema == {"type": "array", "items": {"$ref": "#/components/schemas/Face"}}
    assert schemas["Face"] == {
        "type": "object",
        "properties": {
            "at": {"$ref": "#/components/schemas/Point"},
            "others": {"type": "array", "items": {"$ref": "#/components/schemas/Face"}},
        },
        "required": ["at"],
    }
    assert schemas["Point"]["required"] == ["x"]
    assert schemas["Point"]["description"] == "A place."


def test_a_model_of_pydantic_becomes_a_component_with_what_it_refers_to(tmp_path):
    pytest.importorskip("pydantic")
    before = '''
import pydantic
class Box(pydantic.BaseModel):
    width: int = pydantic.Field(gt=0, le=100)
class Face(pydantic.BaseModel):
    """A face."""
    box: Box
    color: Optional[Color]
    friends: list["Face"] = []
    kind: Literal["human"] = "human"
Face.update_forward_refs()
'''
    schema, schemas = result_schema(tmp_path, "Face", before)
    assert schema == {"$ref": "#/components/schemas/Face"}
    face = schemas["Face"]
    assert face["description"] == "A face."
    assert face["properties"]["box"] == {"$ref": "#/components/schemas/Box"}
    assert face["properties"]["friends"]["items"] == {"$ref": "#/components/schemas/Face"}
    width = schemas["Box"]["properties"]["width"]
    assert (width["minimum"], width["exclusiveMinimum"], width["maximum"]) == (0, True, 100)
    assert "r" in schemas["Color"]["enum"]


def test_two_models_of_one_name_are_two_components(tmp_path):
    pytest.importorskip("pydantic")
    before = """
import pydantic
def make(kind):
    return pydantic.create_model("Thing", value=(kind, ...))
A, B = make(int), make(str)
"""
    schema, schemas = result_schema(tmp_path, "Union[A, B]", before)
    assert schema == {"anyOf": [{"$ref": "#/components/schemas/Thing"}, {"$ref": "#/components/schemas/Thing2"}]}
    assert [schemas[name]["properties"]["value"]["type"] for name in ("Thing", "Thing2")] == ["integer", "string"]


def test_a_model_may_be_called_error(tmp_path):
    before = "@dataclasses.dataclass\nclass Error:\n    text: str"
    schema, schemas = result_schema(tmp_path, "Error", before)
    assert schema == {"$ref": "#/components/schemas/Error2"}
    assert "error_code" in schemas["Error"]["properties"]


def test_a_model_whose_schema_raises_is_left_out(tmp_path):
    before = """
class Model:
    model_fields = {}
    @classmethod
    def model_json_schema(cls): raise ValueError("no")
"""
    schema, schemas = result_schema(tmp_path, "Model", before)
    assert (schema, list(schemas)) == ({}, ["Error"])


@pytest.mark.parametrize(
    "schema, expected",
    [
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"nullable": True, "type": "integer"}),
        (
            {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}], "default": None},
            {"nullable": True, "allOf": [{"$ref": "#/components/schemas/A2"}], "default": None},
        ),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"const": 3}, {"enum": [3]}),
        ({"type": "number", "exclusiveMaximum": 5}, {"type": "number", "maximum": 5, "exclusiveMaximum": True}),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2},
            {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "minItems": 2},
        ),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"examples": [1, 2], "$comment": "x", "if": {}}, {"example": 1}),
        ({"type": "object", "required": []}, {"type": "object"}),
        ({"$ref": "#/definitions/A", "title": "T"}, {"allOf": [{"$ref": "#/components/schemas/A2"}], "title": "T"}),
        ({"$ref": "http://elsewhere/x"}, {}),
        (True, {}),
        (False, {"not": {}}),
    ],
)
def test_json_schema_in_the_dialect_of_openapi(schema, expected):
    assert to_openapi(schema, {"A": "A2"}) == expected


