"""Handlers lambdas: their request class, the models of its body, and bodies that mean harm."""

import inspect
import json
import subprocess
import sys

import msgpack
import pytest
from docs_support import no_lambda_stays  # noqa: F401
from luna_lambda_tools.private import model_loading
from luna_lambda_tools.private.default_routes import handlers_route
from luna_lambda_tools.private.errors import HostError
from luna_lambda_tools.private.wire_model import WireModel, wire_name
from luna_lambda_tools.public.handlers import schemas
from luna_lambda_tools.public.handlers.schemas import DetectTs, EventSourceSchema
from luna_lambda_tools.public.schemas import base
from test_docs_spec import document_of

JSON = [("Content-Type", "application/json")]
MSGPACK = [("Content-Type", "application/msgpack")]
HEAD = """
import sys
from luna_lambda_tools import HandlersLambdaRequest, LambdaUserHandler, StandaloneLambdaRequest
"""
TELLS = (
    HEAD
    + """
class Other(LambdaUserHandler):
    route = "/other"
    async def post(self):
        return self.sendResponse(200, json=type(self.request).__name__)

ROUTES_TO_ADD = [Other]

async def main(request: HandlersLambdaRequest) -> dict:
    data = request.data
    assert request.data is data
    body = data.sources[0].imageOrigin and data.sources[0].imageOrigin.body
    return {
        "class": type(request).__name__,
        "handler": request.handlerId,
        "kinds": [type(each).__name__ for each in data.sources],
        "exif": data.useExifInfo,
        "body": list(body) if isinstance(body, bytes) else body,
        "args": request.args.get("x"),
    }
"""
)


def answers_of(hosted, source, *requests, **options):
    """The answers to requests of (body, headers); afterwards the lambda must still be well."""
    answers = []

    async def drive(channel):
        for body, headers in requests:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            answers.append(await channel.ask(body=data, headers=headers, query=b"x=1"))
        assert (await channel.ask("GET", b"/healthcheck")).status == 200

    channel = hosted.write(source).run(drive, **options)
    assert channel.readiness is not None, channel.failure
    return answers


def body(*sources, aggregate=0, **more):
    return {"aggregate_attributes": aggregate, "sources": list(sources), **more}


def loaded(data):
    return model_loading.load_json(data, EventSourceSchema)


def place_of(data):
    with pytest.raises(HostError) as caught:
        loaded(data)
    assert (caught.value.status, caught.value.code) == (400, 12022)
    return caught.value.detail.split("'")[1]


# ---------------------------------------------------------------------- the request


def test_a_json_body_is_the_data(hosted):
    headers = [*JSON, ("Luna-Handler-Id", "an id")]
    (answer,) = answers_of(hosted, TELLS, (body({"image_origin": {"body": "http://a"}}, use_exif_info=0), headers))
    assert (answer.status, answer.json) == (
        200,
        {
            "class": "HandlersLambdaRequest",
            "handler": "an id",
            "kinds": ["EventSourceNonAggregatedRawImage"],
            "exif": 0,
            "body": "http://a",
            "args": "1",
        },
    )


@pytest.mark.parametrize("media", ["application/msgpack", "application/x-msgpack", "Application/MsgPack; v=1"])
def test_a_msgpack_body_has_images_as_bytes(hosted, media):
    packed = msgpack.packb(body({"image_origin": {"body": b"\xff\x00\xd8"}}, aggregate=1))
    (answer,) = answers_of(hosted, TELLS, (packed, [("Content-Type", media)]))
    assert (answer.json["body"], answer.json["kinds"]) == ([255, 0, 216], ["EventSourceAggregatedRawImage"])
    assert (answer.json["exif"], answer.json["handler"]) == (1, None)


def test_a_body_without_a_type_is_json(hosted):
    assert [each.status for each in answers_of(hosted, TELLS, (body({}), []), (b"\x81", []))] == [200, 400]


def test_the_lambda_is_of_its_type_and_main_is_reached_by_all_spellings_of_its_path(hosted):
    async def drive(channel):
        for path in (b"/main", b"/main/", b"/m%61in"):
            assert (await channel.ask(path=path, body=body({}))).json["class"] == "HandlersLambdaRequest"

    assert hosted.write(TELLS).run(drive).readiness == ("handlers", "asyncio")


def test_additional_routes_get_the_standalone_request(hosted):
    async def drive(channel):
        assert (await channel.ask(path=b"/other")).json == "StandaloneLambdaRequest"

    hosted.write(TELLS).run(drive)


def test_data_is_validated_when_it_is_read_only(hosted):
    source = HEAD + "async def main(request: HandlersLambdaRequest):\n    return request.body.decode()\n"
    assert answers_of(hosted, source, (b"no json", JSON))[0].json == "no json"


def test_a_model_of_ones_own_can_be_used(hosted):
    source = HEAD + (
        "from pydantic import BaseModel\n"
        "class Mine(BaseModel):\n    number: int\n"
        "async def main(request: HandlersLambdaRequest):\n    return request.getRequestData(Mine).number\n"
    )
    good, packed, bad = answers_of(
        hosted, source, ({"number": 4}, JSON), (msgpack.packb({"number": 5}), MSGPACK), ({"number": "x"}, JSON)
    )
    assert (good.json, packed.json) == (4, 5)
    assert (bad.status, bad.code) == (400, 12022)
    assert bad.detail.startswith("Failed to validate input json. Path: 'number' message: '")


@pytest.mark.parametrize("media", ["text/plain", "image/jpeg", "application/json2", "multipart/form-data; boundary=x", "x"])
def test_another_type_is_refused_with_those_that_are_taken(hosted, media):
    (answer,) = answers_of(hosted, TELLS, (body({}), [("Content-Type", media)]))
    assert (answer.status, answer.code) == (400, 12023)
    assert answer.detail == (
        "Content type is unacceptable allowed types: 'application/json, application/msgpack, application/x-msgpack'"
    )


# ---------------------------------------------------------------------- harm


HOSTILE_JSON = {
    "empty": (b"", 12002),
    "cut": (b'{"a":', 12002),
    "not UTF-8": (b'{"a":"\xff"}', 12002),
    "UTF-16": ('{"a":1}'.encode("utf-16"), 12002),
    "deep lists": (b"[" * 200_000 + b"]" * 200_000, 12027),
    "deep objects": (b'{"a":' * 200_000, 12027),
    "NaN": (b'{"sources":[{}],"aggregate_attributes":NaN}', 12027),
    "infinity": (b'{"a":-Infinity}', 12027),
    "too large a number": (b'{"a":1e999}', 12027),
    "huge integer": (b"1" * 100_000, 12027),
    "65 bits": (b'{"a":18446744073709551616}', 12027),
    "a key twice": (b'{"a":1,"a":2}', 12027),
    "a number": (b"5", 12022),
    "null": (b"null", 12022),
    "a list": (b"[]", 12022),
    "a text": (b'"x"', 12022),
    "an empty object": (b"{}", 12022),
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_hostile_json_is_the_clients_fault(hosted, name):
    data, code = HOSTILE_JSON[name]
    (answer,) = answers_of(hosted, TELLS, (data, JSON))
    assert (answer.status, answer.kind, answer.code) == (400, "bad_request", code)
    assert len(answer.detail) < 400


HOSTILE_MSGPACK = {
    "empty": (b"", 12030),
    "never used": (b"\xc1", 12031),
    "cut": (b"\x81\xa1a", 12031),
    "bytes after it": (b"\x01\x02", 12031),
    "not UTF-8": (b"\x81\xa1a\xa1\xff", 12031),
    "deep": (b"\x91" * 100_000, 12031),
    "deep maps": (b"\x81\xa1a" * 100_000, 12031),
    "claims a huge array": (b"\xdd\xff\xff\xff\xff", 12031),
    "claims a huge map": (b"\xdf\xff\xff\xff\xff", 12031),
    "claims a huge text": (b"\xdb\xff\xff\xff\xff", 12031),
    "claims huge bytes": (b"\xc6\xff\xff\xff\xff", 12031),
    "nested claims": (b"\xdd\x00\x01\x86\xa0" * 25_000, 12031),
    "an ext type": (b"\x91\xd4\x05a", 12031),
    "an ext type as the whole": (b"\xd4\x05a", 12031),
    "a timestamp": (b"\x91\xd6\xff\x00\x00\x00\x01", 12031),
    "NaN": (msgpack.packb({"a": float("nan")}), 12031),
    "infinity in a list": (msgpack.packb([float("inf")]), 12031),
    "a key twice": (b"\x82\xa1a\x01\xa1a\x02", 12031),
    "a number for a key": (b"\x81\x01\x01", 12031),
    "bytes for a key": (b"\x81\xc4\x01a\x01", 12031),
    "a number": (b"\x05", 12022),
    "nil": (b"\xc0", 12022),
    "an empty map": (b"\x80", 12022),
    "infinity as the whole": (msgpack.packb(float("inf")), 12022),
}


@pytest.mark.parametrize("name", HOSTILE_MSGPACK)
def test_hostile_msgpack_is_the_clients_fault(hosted, name):
    data, code = HOSTILE_MSGPACK[name]
    (answer,) = answers_of(hosted, TELLS, (data, MSGPACK))
    assert (answer.status, answer.kind, answer.code) == (400, "bad_request", code)
    assert len(answer.detail) < 400


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_msgpack_that_is_cut_anywhere_is_the_clients_fault(hosted, cut):
    whole = msgpack.packb(body({"image_origin": {"body": b"\xff" * 20, "body_meta": {"a": [1, 2.5]}}}))
    (answer,) = answers_of(hosted, TELLS, (whole[:cut], MSGPACK))
    assert answer.status == 400


def test_64_bits_are_taken(hosted):
    data = body({"image_origin": {"body": "x", "body_meta": {"most": 2**64 - 1, "least": -(2**63)}}})
    assert [each.status for each in answers_of(hosted, TELLS, (data, JSON), (msgpack.packb(data), MSGPACK))] == [200, 200]


# ---------------------------------------------------------------------- the models


@pytest.mark.parametrize(
    "data, path",
    [
        ({"sources": [{}]}, "aggregate_attributes"),
        ({"aggregate_attributes": 2, "sources": [{}]}, "aggregate_attributes"),
        ({"aggregate_attributes": "no", "sources": [{}]}, "aggregate_attributes"),
        ({"aggregate_attributes": 0}, "sources"),
        (body(), "sources"),
        (body(aggregate=1), "sources"),
        ({"aggregate_attributes": 0, "sources": {}}, "sources"),
        ({"aggregate_attributes": 1, "sources": "x"}, "sources"),
        (body({}, use_exif_info=2), "use_exif_info"),
        (body(None), "sources.0"),
        (body({}, 5, aggregate=1), "sources.1"),
        (body({"image_origin": {}}), "sources.0.image_origin.body"),
        (body({"image_origin": {"body": 5}}), "sources.0.image_origin.body"),
        (body({"image_origin": {"body": None}}, aggregate=1), "sources.0.image_origin.body"),
        (body({"image_origin": {"body": "x", "body_meta": 1}}), "sources.0.image_origin.body_meta"),
        (body({"image_origin": 5}), "sources.0.image_origin"),
        (body({}, {"detect_ts": -0.001}), "sources.1.detect_ts"),
        (body({"detect_ts": 158731466400}), "sources.0.detect_ts"),
        (body({"detect_ts": "soon"}, aggregate=1), "sources.0.detect_ts"),
        (body({"filename": []}), "sources.0.filename"),
        (body({"raw_image": {"body": 1}}), "sources.0.raw_image.body"),
        (body({"raw_image": {"face_bounding_boxes": [{}]}}), "sources.0.raw_image.face_bounding_boxes.0.x"),
        (body({"raw_detections": [{"face": {"score": "x"}}]}), "sources.0.raw_detections.0.face.score"),
        (body({"raw_detections": [{"body": {"warp": 1}}]}, aggregate=1), "sources.0.raw_detections.0.body.warp"),
        (body({"raw_detections": 5}, aggregate=1), "sources.0.raw_detections"),
        (body({"source_data": {"tags": 5}}), "sources.0.source_data.tags"),
        (body({"source_data": {"location": {"geo_position": {"latitude": 90.5, "longitude": 0}}}}),
         "sources.0.source_data.location.geo_position.latitude"),
        (body({}, aggregate=1, source_data={"meta": "x"}), "source_data.meta"),
        (body({"raw_image": {"body_bounding_boxes": [{"x": 2**30 + 1, "y": 0, "width": 1, "height": 1}]}}),
         "sources.0.raw_image.body_bounding_boxes.0.x"),
    ],
)  # fmt: skip
def test_the_place_at_fault_is_named_as_on_the_wire(data, path):
    assert place_of(data) == path


@pytest.mark.parametrize(
    "aggregate, source, kind",
    [
        (1, {}, "EventSourceAggregatedRawImage"),
        (1, {"raw_image": {}}, "EventSourceAggregatedRawImage"),
        (1, {"raw_detections": []}, "EventSourceAggregatedDetections"),
        (0, {}, "EventSourceNonAggregatedRawImage"),
        (0, {"raw_detections": []}, "EventSourceNonAggregatedDetections"),
        ("1", {"rawDetections": []}, "EventSourceAggregatedDetections"),
    ],
)
def test_a_source_is_of_one_of_four_kinds(aggregate, source, kind):
    (found,) = loaded(body(source, aggregate=aggregate)).sources
    assert type(found).__name__ == kind
    assert isinstance(found, schemas.EventSourceBase)


def test_all_members_are_attributes():
    box = {"x": -1, "y": 2, "width": 3, "height": 2**30}
    pair = {
        "face": {"warp": b"w", "bounding_box": box, "angles": {"yaw": 1, "pitch": -2, "roll": 0.5}, "score": 0.9},
        "body": {"bounding_box": box, "meta": {"k": 1}},
    }
    told = {"source": "cam", "stream_id": "s", "tags": ["a"], "track_id": "t", "event_time": "2024-01-01T00:00:00Z",
            "location": {"city": "K", "house_number": "1", "geo_position": {"latitude": -90, "longitude": 180}}}  # fmt: skip
    source = {"filename": "f", "detect_time": "d", "detect_ts": 158731466399.999, "image_origin": {"body": b"o"},
              "raw_detections": [pair], "source_data": told}  # fmt: skip
    (found,) = loaded(body(source)).sources
    assert (found.filename, found.detectTime, found.detectTs, found.imageOrigin.body) == ("f", "d", 158731466399.999, b"o")
    face, person = found.rawDetections[0].face, found.rawDetections[0].body
    assert (face.warp, face.boundingBox.height, face.angles.pitch, face.score, face.meta) == (b"w", 2**30, -2, 0.9, None)
    assert (person.boundingBox.x, person.meta, person.warp) == (-1, {"k": 1}, None)
    data = found.sourceData
    assert (data.source, data.streamId, data.tags, data.trackId, data.eventEndTime) == ("cam", "s", ["a"], "t", None)
    assert (data.userData, data.externalId) == ("", "")
    assert (data.location.houseNumber, data.location.geoPosition.longitude) == ("1", 180)


def test_both_spellings_are_taken_and_the_wires_is_written():
    data = {"aggregateAttributes": 0, "sources": [{"imageOrigin": {"body": "x"}, "rawImage": {"body": "y"}}]}
    model = loaded(data)
    assert model.asDict() == {
        "aggregate_attributes": 0,
        "sources": [{"image_origin": {"body": "x"}, "raw_image": {"body": "y"}}],
    }
    assert json.loads(model.json())["sources"][0]["raw_image"]["body"] == "y"
    assert model.dict()["use_exif_info"] == 1
    assert loaded(model.asDict()) == model


def test_members_beyond_the_models_are_kept():
    (source,) = loaded(body({"new_member": {"a": 1}})).sources
    assert source.new_member == {"a": 1}


@pytest.mark.parametrize("value, good", [(0, True), (158731466399.999, True), (-0.001, False), (158731466400, False), ("nan", False)])
def test_detect_ts_has_limits(value, good):
    if good:
        assert DetectTs(value) == value
    else:
        with pytest.raises(ValueError):
            DetectTs(value)


def test_a_lambdas_author_can_make_models():
    origin = schemas.ImageOrigin(body=b"x", bodyMeta={})
    source = schemas.EventSourceAggregatedDetections(imageOrigin=origin)
    assert source.asDict() == {"image_origin": {"body": b"x", "body_meta": {}}}


@pytest.mark.parametrize("name, wire", [("body", "body"), ("useExifInfo", "use_exif_info"), ("detectTs", "detect_ts")])
def test_wire_names(name, wire):
    assert wire_name(name) == wire


# ---------------------------------------------------------------------- imports


def test_other_lambdas_import_neither_pydantic_nor_msgpack(hosted):
    source = "import sys\nasync def main(request):\n    return [n for n in ('pydantic', 'msgpack') if n in sys.modules]\n"
    script = (
        "import sys; sys.path[:0] = sys.argv[2:]\nfrom pathlib import Path\nfrom fake_channel import HostedLambda\n"
        "async def drive(channel):\n    assert (await channel.ask()).json == []\n"
        "HostedLambda(Path(sys.argv[1])).run(drive)\n"
    )
    hosted.write(source)
    done = subprocess.run(
        [sys.executable, "-c", script, str(hosted.folder), *sys.path[:2]], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_modules_of_the_lambda_do_not_stand_in_for_the_hosts(hosted):
    for name in ("msgpack", "pydantic"):
        hosted.write("raise RuntimeError('the host imported me')\n", f"{name}.py")
    packed = msgpack.packb(body({}))
    assert [each.status for each in answers_of(hosted, TELLS, (packed, MSGPACK), (body({}), JSON))] == [200, 200]


@pytest.mark.parametrize("name", ["pydantic", "msgpack"])
def test_a_missing_package_is_a_start_failure_that_names_it(hosted, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    stage, text, _ = hosted.write(TELLS).fails()
    assert stage == "load"
    assert text.startswith(f"lambda_main.py: a handlers lambda needs the package {name} (Debian: python3-{name}; or pip")


# ---------------------------------------------------------------------- documents


def properties_of(schema):
    """Every property's name of a schema written out, as nested dicts."""
    if schema.get("type") == "array":
        return properties_of(schema["items"])
    return {name: properties_of(member) for name, member in schema.get("properties", {}).items()} or None


def members_of(model):
    """The same of a model of pydantic."""
    fields = getattr(model, "model_fields", None) or model.__fields__
    hints = {name: inspect.get_annotations(owner).get(name) for owner in model.__mro__ for name in inspect.get_annotations(owner)}
    found = {}
    for name in fields:
        inner = [kind for kind in {**vars(schemas), **vars(base)}.values() if _names(hints[name], kind)]
        found[wire_name(name)] = members_of(inner[0]) if inner else None
    return found


def _names(annotation, kind):
    known = isinstance(kind, type) and issubclass(kind, WireModel) and kind is not WireModel
    return known and any(part == kind.__name__ for part in annotation.replace("]", "[").split("["))


def test_the_document_describes_the_body_as_the_models_are():
    told = properties_of(handlers_route.BODY)
    models = members_of(EventSourceSchema)
    kinds = [members_of(kind) for kind in schemas.EventSourceBase.__subclasses__()]
    models["sources"] = {name: member for kind in kinds for name, member in kind.items()}
    assert told == models


def test_a_handlers_lambda_takes_both_formats(tmp_path):
    post = document_of(tmp_path, "async def main(request): return {}", type="handlers")["paths"]["/main"]["post"]
    content = post["requestBody"]["content"]
    assert sorted(content) == ["application/json", "application/msgpack", "application/x-msgpack"]
    for media in content.values():
        assert media["schema"]["required"] == ["aggregate_attributes", "sources"]
    assert post["parameters"][0]["name"] == "Luna-Handler-Id"


def test_a_model_of_the_lambdas_own_is_what_the_document_shows(tmp_path):
    source = (
        "from pydantic import BaseModel\nclass Mine(BaseModel):\n    number: int\n"
        "async def main(request): return request.getRequestData(Mine).number"
    )
    post = document_of(tmp_path, source, type="handlers")["paths"]["/main"]["post"]
    assert post["requestBody"]["content"]["application/msgpack"]["schema"] == {"$ref": "#/components/schemas/Mine"}
