"""Handlers lambdas over HTTP: JSON, msgpack with raw images, and bodies that mean harm."""

import hashlib
import os
import random

import msgpack
import pytest

from support.lambdapool import run

MSGPACK = {"Content-Type": "application/msgpack"}
IMAGE = os.urandom(3 << 20)


@pytest.fixture(scope="module")
def handlers(serve_module):
    return serve_module("handlers")


@pytest.fixture(autouse=True)
def stays_whole(request):
    yield
    if "handlers" in request.fixturenames:
        request.getfixturevalue("handlers").check()


def test_json_is_taken(handlers):
    body = {"aggregate_attributes": 0, "sources": [{"filename": "a", "image_origin": {"body": "http://x"}}]}
    response = handlers.request(json_body=body, headers={"Luna-Handler-Id": "an id"})

    assert (response.status, response.json()) == (
        200,
        {
            "handler_id": "an id",
            "aggregate": 0,
            "sources": [{"kind": "EventSourceNonAggregatedRawImage", "filename": "a", "origin": "http://x"}],
        },
    )


@pytest.mark.parametrize("media", ["application/msgpack", "application/x-msgpack"])
def test_an_image_in_msgpack_comes_as_it_was(handlers, media):
    body = msgpack.packb({"aggregate_attributes": 1, "sources": [{"image_origin": {"body": IMAGE}}, {}]})
    response = handlers.request(body=body, headers={"Content-Type": media})

    assert response.status == 200
    first, second = response.json()["sources"]
    assert first["origin"] == {"sha256": hashlib.sha256(IMAGE).hexdigest()}
    assert second == {"kind": "EventSourceAggregatedRawImage", "filename": None, "origin": None}


def test_a_place_at_fault_is_luna_s_error(handlers):
    body = {"aggregate_attributes": 0, "sources": [{"image_origin": {"body": 5}}]}
    response = handlers.request(json_body=body)

    assert response.status == 400
    error = response.json()
    assert (error["error_code"], error["desc"]) == (12022, "Bad/incomplete input data")
    assert error["detail"].startswith("Failed to validate input json. Path: 'sources.0.image_origin.body' message: '")
    assert response.header("Lambda-Error") == "bad_request"


def test_another_type_of_body_is_refused(handlers):
    response = handlers.request(body=b"x", headers={"Content-Type": "image/jpeg"})

    assert (response.status, response.json()["error_code"]) == (400, 12023)


@pytest.mark.parametrize(
    "body",
    [
        b"\x91" * 1_000_000,
        b"\xdd\xff\xff\xff\xff" * 200_000,
        b"\xdd\x00\x01\x86\xa0" * 200_000,
        b"\xdf\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x05",
        b"\xd6\xff\x00\x00\x00\x01",
        b"\xc1" * 1000,
    ],
    ids=["deep", "claims", "nested claims", "a map", "an ext type", "a timestamp", "never used"],
)
def test_hostile_msgpack_costs_no_worker(handlers, body):
    before = handlers.worker()
    response = handlers.request(body=body, headers=MSGPACK, timeout=30)

    assert response.status == 400
    assert handlers.worker() == before


def test_random_bytes_are_answered_by_the_same_worker(handlers):
    chance = random.Random(17)
    before = handlers.worker()
    with handlers.connect() as connection:
        for size in [chance.randrange(200) for _ in range(200)]:
            response = connection.request(body=chance.randbytes(size), headers=MSGPACK)
            assert response.status == 400
    assert handlers.worker() == before


def test_deep_json_costs_no_worker(handlers):
    before = handlers.worker()
    response = handlers.request(body=b"[" * 1_000_000, headers={"Content-Type": "application/json"})

    assert (response.status, response.json()["error_code"]) == (400, 12027)
    assert handlers.worker() == before


def test_the_document_describes_the_body(handlers):
    response = handlers.request("GET", "/docs/spec", headers={"Accept": "application/x-yaml"})

    assert response.status == 200
    for text in (b"application/x-msgpack", b"aggregate_attributes", b"Luna-Handler-Id", b"image_origin"):
        assert text in response.body


def test_a_new_handlers_lambda_is_served(serve, tmp_path):
    folder = tmp_path / "eventful"
    assert run("new", folder, "--type", "handlers").returncode == 0
    assert run("validate", folder).stdout.startswith(f"{folder}: valid handlers lambda;")

    response = serve(folder).post({"aggregate_attributes": 0, "sources": [{"filename": "a.jpg"}]})

    assert response.json()["events"] == [{"source": "a.jpg", "handler_id": None}]


def test_the_lambdas_own_modules_do_not_stand_in_for_the_libraries(serve, make_lambda):
    folder = make_lambda(
        "from luna_lambda_tools import HandlersLambdaRequest\n"
        "async def main(request: HandlersLambdaRequest): return len(request.data.sources)\n",
        pydantic__py="raise RuntimeError('not me')\n",
        msgpack__py="raise RuntimeError('not me')\n",
    )
    response = serve(folder).post({"aggregate_attributes": 0, "sources": [{}, {}]})

    assert (response.status, response.json()) == (200, 2)
