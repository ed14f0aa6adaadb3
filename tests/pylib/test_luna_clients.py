"""request.clients against real HTTP servers: what is sent, what comes back, what goes wrong."""

import asyncio
import gc
import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "process"))

from support.luna_services import RawService, StubService, services, unused_origin  # noqa: E402

ACCOUNT = "11111111-2222-4333-8444-555555555555"
ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
HEADERS = [("Host", "h"), ("Luna-Account-Id", ACCOUNT)]

CALLS = '''
import asyncio
import json
from luna_lambda_tools import StandaloneLambdaRequest
from luna3.common.exceptions import LunaApiException

async def main(request: StandaloneLambdaRequest) -> dict:
    order = request.json
    client = getattr(request.clients, order["client"])
    try:
        response = await getattr(client, order["call"])(*order.get("args", []), **order.get("kwargs", {}))
    except LunaApiException as error:
        return {"error": str(error), "status": error.statusCode, "code": error.errorCode, "desc": error.desc,
                "detail": error.detail, "service": error.service, "method": error.method, "url": error.url}
    return {"status": response.statusCode, "success": response.success, "text": response.text}
'''


@pytest.fixture
def make():
    with services() as maker:
        yield maker


def settings_of(timeouts=None, more=None, **origins):
    """start["settings"], for services by LUNA's names."""
    luna = {f"{name}_ADDRESS": {"origin": origin} for name, origin in origins.items()}
    if timeouts:
        luna.update({f"{name}_TIMEOUTS": timeouts for name in origins})
    return json.dumps({"luna": {"retries": 1, **luna, **(more or {})}})


def order(hosted, settings, client, call, *args, headers=HEADERS, **kwargs):
    """Has one call made by a lambda; gives what it saw."""
    seen = []

    async def drive(channel):
        body = {"client": client, "call": call, "args": args, "kwargs": kwargs}
        answer = await channel.ask(body=body, headers=headers)
        assert not answer.kind, answer
        seen.append(answer.json)

    hosted.write(CALLS).run(drive, settings=settings)
    return seen[0]


SENT = [
    # service, client, call, args, kwargs, method, path, query, body
    ("LUNA_EVENTS", "events", "saveEvents", [[{"a": 1}]], {}, "POST", "/2/events", {}, {"events": [{"a": 1}]}),
    (
        "LUNA_EVENTS",
        "events",
        "saveEvents",
        [],
        {"events": [], "waitEventsSaving": True},
        "POST",
        "/2/events",
        {"wait_events_saving": "1"},
        {"events": []},
    ),
    (
        "LUNA_EVENTS",
        "events",
        "getEvents",
        [],
        {"target": ["event_id", "face"], "createTimeGte": "2026", "pageSize": 5, "ageLt": None},
        "GET",
        "/2/events",
        {"targets": "event_id,face", "create_time__gte": "2026", "page_size": "5"},
        None,
    ),
    ("LUNA_EVENTS", "events", "getEvent", ["a/b c"], {}, "GET", "/2/events/a%2Fb%20c", {}, None),
    ("LUNA_EVENTS", "events", "headEvent", [ID], {}, "HEAD", f"/2/events/{ID}", {}, None),
    ("LUNA_EVENTS", "events", "deleteEvents", [], {"handlerId": ID}, "DELETE", "/2/events", {"handler_id": ID}, None),
    ("LUNA_EVENTS", "events", "getEventDescriptor", [ID], {}, "GET", f"/2/events/{ID}/descriptor", {}, None),
    ("LUNA_EVENTS", "events", "getEventsStats", [{"targets": []}], {}, "POST", "/2/events/stats", {}, {"targets": []}),
    ("LUNA_EVENTS", "events", "saveGeneralEvents", [[1]], {}, "POST", "/2/general_events", {}, {"events": [1]}),
    ("LUNA_EVENTS", "events", "checkGeneralEvent", [ID], {}, "HEAD", f"/2/general_events/{ID}", {}, None),
    ("LUNA_EVENTS", "events", "getDeletedGeneralEvents", [], {}, "GET", "/2/deleted_general_events", {}, None),
    (
        "LUNA_FACES",
        "faces",
        "createFace",
        [],
        {"userData": "Ada", "listIds": [ID], "basicAttributes": {"age": 3}},
        "POST",
        "/3/faces",
        {},
        {"attribute": {"basic_attributes": {"age": 3}}, "user_data": "Ada", "lists": [ID]},
    ),
    ("LUNA_FACES", "faces", "putFace", [ID], {"eventId": ID}, "PUT", f"/3/faces/{ID}", {}, {"event_id": ID}),
    ("LUNA_FACES", "faces", "patchFace", [ID], {"userData": ""}, "PATCH", f"/3/faces/{ID}", {}, {"user_data": ""}),
    ("LUNA_FACES", "faces", "getFaces", [], {"userData": "A&B"}, "GET", "/3/faces", {"user_data": "A&B"}, None),
    ("LUNA_FACES", "faces", "deleteFaces", [[ID]], {}, "DELETE", "/3/faces", {}, {"face_ids": [ID]}),
    (
        "LUNA_FACES",
        "faces",
        "deleteList",
        [ID],
        {"withFaces": True},
        "DELETE",
        f"/3/lists/{ID}",
        {"with_faces": "1"},
        None,
    ),
    (
        "LUNA_FACES",
        "faces",
        "linkFacesToList",
        [ID, ["f"]],
        {},
        "PATCH",
        "/3/linker",
        {},
        {"action": "attach", "list_id": ID, "face_ids": ["f"]},
    ),
    ("LUNA_FACES", "faces", "createList", ["mine"], {}, "POST", "/3/lists", {}, {"user_data": "mine"}),
    ("LUNA_FACES", "faces", "createAttribute", [], {"ttl": 5}, "POST", "/3/attributes", {}, {"ttl": 5}),
    (
        "LUNA_PYTHON_MATCHER",
        "matcher",
        "matchFaces",
        [[{"filters": {}}], [{"id": ID}]],
        {},
        "POST",
        "/1/matcher/faces",
        {},
        {"references": [{"id": ID}], "candidates": [{"filters": {}}]},
    ),
    (
        "LUNA_PYTHON_MATCHER",
        "matcher",
        "crossmatchFaces",
        [{}, {"limit": 1}],
        {"threshold": 0.5},
        "POST",
        "/1/matcher/faces/cross",
        {},
        {"candidate_filters": {}, "reference_filters": {"limit": 1}, "threshold": 0.5},
    ),
    (
        "LUNA_IMAGE_STORE_OBJECTS",
        "objectOriginStore",
        "putObject",
        [{"a": 1}, ID],
        {},
        "PUT",
        f"/1/buckets/visionlabs-objects/objects/{ID}",
        {},
        {"a": 1},
    ),
    (
        "LUNA_IMAGE_STORE_IMAGES",
        "imageOriginStore",
        "deleteImages",
        [[ID]],
        {},
        "DELETE",
        "/1/buckets/visionlabs-image-origin/images",
        {},
        {"images": [ID]},
    ),
    (
        "LUNA_IMAGE_STORE_FACES_SAMPLES",
        "faceSamplesStore",
        "getImage",
        [ID],
        {},
        "GET",
        f"/1/buckets/visionlabs-samples/images/{ID}",
        {},
        None,
    ),
    (
        "LUNA_REMOTE_SDK",
        "sdk",
        "sdk",
        [{"images": []}],
        {"detectFace": 1, "estimateMask": True},
        "POST",
        "/1/sdk",
        {"detect_face": "1", "estimate_mask": "1"},
        {"images": []},
    ),
    (
        "LUNA_SENDER",
        "sender",
        "publish",
        [[{"x": 1}]],
        {"handlerId": ID, "eventCreateTime": "t"},
        "POST",
        "/1/events",
        {},
        {"events": [{"x": 1}], "handler_id": ID, "event_create_time": "t"},
    ),
    ("LUNA_HANDLERS", "handlers", "getHandlers", [], {"page": 2}, "GET", "/2/handlers", {"page": "2"}, None),
    (
        "LUNA_HANDLERS",
        "handlers",
        "generateEvents",
        [ID, {"urls": []}],
        {"useExifInfo": 0},
        "POST",
        f"/2/handlers/{ID}/events",
        {"use_exif_info": "0"},
        {"urls": []},
    ),
    ("LUNA_VIDEO_AGENT", "videoAgent", "videosdk", [{"v": 1}], {}, "POST", "/1/videosdk", {}, {"v": 1}),
    (
        "LUNA_FACES",
        "faces",
        "makeRequest",
        ["POST", "/more"],
        {"query": {"pageSize": 1}, "json": [1]},
        "POST",
        "/3/more",
        {"page_size": "1"},
        [1],
    ),
]


@pytest.mark.parametrize("case", SENT, ids=lambda case: f"{case[1]}.{case[2]}")
def test_a_call_is_sent_as_luna_has_it(hosted, make, case):
    name, client, call, args, kwargs, method, path, query, body = case
    stub = make()

    result = order(hosted, settings_of(**{name: stub.origin}), client, call, *args, **kwargs)

    assert result["status"] == 200
    (got,) = stub.requests
    assert (got.method, got.path, got.query) == (method, path, query)
    assert (got.json if got.body else None) == body
    assert got.headers.get("content-type") == (None if body is None else "application/json")
    assert got.headers["luna-account-id"] == ACCOUNT
    assert got.headers["luna-request-id"].startswith("1700000000,")


def test_images_are_sent_as_they_are(hosted, make):
    stub = make()
    hosted.write("""
async def main(request):
    await request.clients.bodySamplesStore.postImage(b"\\xff\\xd8", contentType="image/png")
    await request.clients.sdk.sdk(bytearray(b"jpeg"), detectFace=1)
    return {}
""")

    async def drive(channel):
        assert (await channel.ask()).json == {}

    hosted.run(drive, settings=settings_of(LUNA_IMAGE_STORE_BODIES_SAMPLES=stub.origin, LUNA_REMOTE_SDK=stub.origin))
    first, second = stub.requests
    assert (first.body, first.headers["content-type"]) == (b"\xff\xd8", "image/png")
    assert first.path == "/1/buckets/visionlabs-bodies-samples/images"
    assert (second.body, second.headers["content-type"]) == (b"jpeg", "image/jpeg")


def test_without_an_account_none_is_sent(hosted, make):
    stub = make()
    order(hosted, settings_of(LUNA_FACES=stub.origin), "faces", "getFaces", headers=[("Host", "h")])

    assert "luna-account-id" not in stub.requests[0].headers


def test_the_configured_account_stands_in_for_a_missing_one(hosted, make):
    stub = make()
    settings = settings_of(more={"account_id": ID}, LUNA_FACES=stub.origin)
    order(hosted, settings, "faces", "getFaces", headers=[("Host", "h")])

    assert stub.requests[0].headers["luna-account-id"] == ID


def test_a_call_can_be_for_another_account(hosted, make):
    stub = make()
    order(hosted, settings_of(LUNA_FACES=stub.origin), "faces", "getFaces", accountId=ID)

    assert stub.requests[0].headers["luna-account-id"] == ID
    assert stub.requests[0].query == {}


def test_an_account_that_is_no_uuid_is_the_clients_mistake(hosted, make):
    hosted.write("async def main(request):\n    return {'c': str(request.clients)}\n")

    async def drive(channel):
        answer = await channel.ask(headers=[("Host", "h"), ("Luna-Account-Id", "Ada")])
        assert (answer.status, answer.code) == (400, 12031)

    hosted.run(drive)


# --- which services there are -------------------------------------------------------------------------------------


def flags_of(hosted, settings):
    seen = {}
    hosted.write("""
async def main(request):
    names = ("faces events sender handlers matcher lva remoteSDK faceSampleStore bodySampleStore "
             "imageOriginStore objectStore").split()
    clients = request.clients
    assert request.clients is clients
    return {"enabled": [name for name in names if getattr(request, name + "Enabled")],
            "clients": [name for name, client in vars(clients).items() if client is not None]}
""")

    async def drive(channel):
        seen.update((await channel.ask()).json)

    channel = hosted.run(drive, settings=settings)
    return seen["enabled"], seen["clients"], channel


def test_by_default_no_service_is_there(hosted):
    assert flags_of(hosted, "{}")[:2] == ([], [])


def test_services_with_an_address_are_there(hosted):
    settings = settings_of(LUNA_FACES="http://f", LUNA_SENDER="http://s", LUNA_VIDEO_AGENT="http://v")

    assert flags_of(hosted, settings)[:2] == (["faces", "sender", "lva"], ["faces", "videoAgent", "sender"])


def test_a_service_can_be_switched_off(hosted):
    more = {"ADDITIONAL_SERVICES_USAGE": {"luna_sender": 0, "luna_image_store": 0, "luna_events": 1}}
    settings = settings_of(
        more=more, LUNA_FACES="http://f", LUNA_SENDER="http://s", LUNA_IMAGE_STORE_IMAGES="http://i"
    )

    enabled, clients, channel = flags_of(hosted, settings)

    assert (enabled, clients) == (["faces"], ["faces"])
    assert [text for text in channel.texts("warning") if "luna_events is 1" in text]


def test_a_disabled_client_that_is_used_is_explained_in_the_log(hosted):
    hosted.write("async def main(request):\n    request.clients.events.saveEvents(events=[])\n")

    async def drive(channel):
        answer = await channel.ask()
        assert (answer.status, answer.detail) == (500, "'NoneType' object has no attribute 'saveEvents'")
        line = await channel.line("saveEvents")
        assert "clients.events is None when luna-events is disabled" in line.text
        assert "ask eventsEnabled first, or set luna.LUNA_EVENTS_ADDRESS.origin" in line.text

    hosted.run(drive)


def test_none_of_another_kind_is_not_explained(hosted):
    hosted.write("async def main(request):\n    request.clients\n    None.split()\n")

    async def drive(channel):
        await channel.ask()
        assert "is disabled" not in (await channel.line("split")).text

    hosted.run(drive)


def test_addresses_have_the_version_and_stores_their_bucket(hosted):
    hosted.write("""
async def main(request):
    return [request.clients.faces.getAddress(), request.clients.imageOriginStore.getAddress()]
""")

    async def drive(channel):
        assert (await channel.ask()).json == ["http://f:1/4", "http://i/1/buckets/mine"]

    luna = {
        "LUNA_FACES_ADDRESS": {"origin": "http://f:1/", "api_version": 4},
        "LUNA_IMAGE_STORE_IMAGES_ADDRESS": {"origin": "http://i", "bucket": "mine"},
    }
    hosted.run(drive, settings=json.dumps({"luna": luna}))


# --- answers ---------------------------------------------------------------------------------------------------------


def test_an_error_of_the_service_is_raised_with_all_that_it_said(hosted, make):
    error = {"error_code": 13005, "desc": "Object not found", "detail": "Face not found", "link": "l"}
    stub = make(StubService, lambda _: (404, error))

    result = order(hosted, settings_of(LUNA_FACES=stub.origin), "faces", "getFace", ID)

    assert result == {
        "error": f"luna-faces: GET {stub.origin}/3/faces/{ID} was answered 404: "
        "13005 Object not found: Face not found",
        "status": 404,
        "code": 13005,
        "desc": "Object not found",
        "detail": "Face not found",
        "service": "luna-faces",
        "method": "GET",
        "url": f"{stub.origin}/3/faces/{ID}",
    }


def test_an_error_of_the_service_can_be_looked_at(hosted, make):
    stub = make(StubService, lambda _: (404, {"error_code": 1}))

    result = order(hosted, settings_of(LUNA_FACES=stub.origin), "faces", "getFace", ID, raiseError=False)

    assert (result["status"], result["success"]) == (404, False)


def test_no_content_is_a_success(hosted, make):
    stub = make(StubService, lambda _: (204, None))

    assert order(hosted, settings_of(LUNA_FACES=stub.origin), "faces", "deleteFace", ID)["status"] == 204


def test_bytes_need_not_be_json(hosted, make):
    stub = make(StubService, lambda _: (200, b"\x00jpeg"))
    settings = settings_of(LUNA_IMAGE_STORE_IMAGES=stub.origin)

    assert order(hosted, settings, "imageOriginStore", "getImage", ID)["text"] == "\x00jpeg"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((200, b"<html>"), "was answered 200 with a body that is not JSON: '<html>'"),
        ((500, b"oops"), "was answered 500: 'oops'"),
        ((503, None), "was answered 503: without a body"),
        ((302, None), "was answered 302: a redirect to 'nowhere', which is not followed"),
    ],
)
def test_an_answer_that_is_none_is_told(hosted, make, answer, text):
    stub = make(StubService, lambda _: answer)

    result = order(hosted, settings_of(LUNA_FACES=stub.origin), "faces", "getFaces")

    assert result["error"] == f"luna-faces: GET {stub.origin}/3/faces {text}"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"pieces": [b"\x00\x01nonsense\r\n\r\n"]}, "the answer is not HTTP"),
        ({"pieces": [b""]}, "the service closed the connection without an answer"),
        ({"pieces": [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"]}, "the answer broke off"),
        ({"pieces": [b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n"]}, "the answer is not HTTP"),
        ({"pieces": [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"], "then_close": False}, "time-out"),
        ({"pieces": [b"HTTP/1.1 200 OK\r\n"], "then_close": False}, "time-out"),
        ({"pieces": [b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000], "endless": True}, "Too many headers"),
        ({"pieces": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]}, "the answer is not HTTP"),
    ],
)
def test_a_service_that_answers_garbage_is_named(hosted, make, raw, text):
    service = make(RawService, **raw)
    settings = settings_of({"request": 0.5}, LUNA_EVENTS=service.origin)

    result = order(hosted, settings, "events", "saveEvents", [])

    assert result["error"].startswith(f"luna-events: POST {service.origin}/2/events: "), result
    assert text in result["error"]
    assert (result["status"], result["service"]) == (0, "luna-events")
    assert service.connections == 1, "what the service may have seen is not sent again"


def test_a_service_that_hangs_ends_the_call_at_its_time_out(hosted, make):
    service = make(RawService, [], then_close=False)
    settings = settings_of({"request": 0.3}, LUNA_EVENTS=service.origin)

    result = order(hosted, settings, "events", "saveEvents", [])

    assert result["error"].endswith("/2/events: no answer within its time-out, 0.3 s")


def test_a_pause_in_an_answer_has_its_own_time_out(hosted, make):
    service = make(RawService, [b"HTTP/1.1 200 OK\r\n"], then_close=False)
    settings = settings_of({"sock_read": 0.2}, LUNA_EVENTS=service.origin)

    result = order(hosted, settings, "events", "saveEvents", [])

    assert "sock_read 0.2 s" in result["error"]


def test_a_service_that_refuses_is_tried_again_and_then_told(hosted):
    origin = unused_origin()

    result = order(hosted, settings_of(LUNA_EVENTS=origin), "events", "saveEvents", [])

    assert result["error"].startswith(f"luna-events: POST {origin}/2/events: cannot connect: ")


def test_what_does_no_harm_twice_is_sent_again_when_the_connection_breaks(hosted, make):
    service = make(RawService, [b""])

    result = order(hosted, settings_of(LUNA_FACES=service.origin), "faces", "getFaces")

    assert "closed the connection" in result["error"]
    assert service.connections == 2


def test_an_answer_over_the_limit_is_refused(hosted, make):
    stub = make(StubService, lambda _: (200, b"[" + b"1," * 1000 + b"1]"))
    settings = settings_of(more={"max_answer": 1024}, LUNA_FACES=stub.origin)

    assert "larger than luna.max_answer, 1024 bytes" in order(hosted, settings, "faces", "getFaces")["error"]


def test_an_error_that_escapes_is_a_500_with_its_text(hosted):
    origin = unused_origin()
    hosted.write("async def main(request):\n    await request.clients.faces.getFaces()\n")

    async def drive(channel):
        answer = await channel.ask()
        assert (answer.status, answer.kind, answer.code) == (500, "lambda_exception", 42004)
        assert answer.detail.startswith(f"luna-faces: GET {origin}/3/faces: cannot connect")

    hosted.run(drive, settings=settings_of(LUNA_FACES=origin))


# --- calls that nobody awaits ------------------------------------------------------------------------------------

UNAWAITED = "async def main(request):\n    request.clients.events.saveEvents(events=[{'a': 1}])\n    return {}\n"


def test_a_call_that_nobody_awaits_is_sent(hosted, make):
    stub = make()
    hosted.write(UNAWAITED)

    async def drive(channel):
        assert (await channel.ask()).json == {}

    channel = hosted.run(drive, settings=settings_of(LUNA_EVENTS=stub.origin))
    assert [got.json for got in stub.requests] == [{"events": [{"a": 1}]}]
    assert channel.texts("error") == []


def test_a_failure_that_nobody_awaits_is_logged_with_the_requests_id(hosted):
    origin = unused_origin()
    hosted.write(UNAWAITED)

    async def drive(channel):
        await channel.ask(request_id="1700000000,99999999-2222-4333-8444-555555555555")

    channel = hosted.run(drive, settings=settings_of(more={"retries": 0}, LUNA_EVENTS=origin))
    (line,) = [line for line in channel.lines if line.level == "error"]
    assert line.request_id == "1700000000,99999999-2222-4333-8444-555555555555"
    assert line.text.startswith(f"a call that nobody awaited failed: luna-events: POST {origin}/2/events: cannot")


def test_a_failure_that_is_awaited_late_is_not_logged(hosted):
    hosted.write("""
import asyncio
async def main(request):
    call = request.clients.events.saveEvents(events=[])
    while not call.done():
        await asyncio.sleep(0)
    try:
        await call
    except Exception as error:
        return type(error).__name__
""")

    async def drive(channel):
        assert (await channel.ask()).json == "LunaApiException"
        gc.collect()

    channel = hosted.run(drive, settings=settings_of(more={"retries": 0}, LUNA_EVENTS=unused_origin()))
    assert channel.texts("error") == []


def test_a_mistake_in_what_is_sent_comes_out_of_the_call(hosted, make):
    stub = make()
    hosted.write("async def main(request):\n    request.clients.events.saveEvents(events=[...])\n    return {}\n")

    async def drive(channel):
        assert (await channel.ask()).json == {}

    channel = hosted.run(drive, settings=settings_of(LUNA_EVENTS=stub.origin))
    assert stub.requests == []
    assert "a value of type ellipsis cannot be sent as JSON" in channel.texts("error")[0]


def test_calls_can_be_gathered_waited_for_and_shielded(hosted, make):
    stub = make()
    hosted.write("""
import asyncio
async def main(request):
    faces = request.clients.faces
    a, b = await asyncio.gather(faces.getFaces(), faces.getLists())
    done, _ = await asyncio.wait([faces.getFaces()])
    c = await asyncio.wait_for(faces.getFaces(), 5)
    d = await asyncio.shield(faces.getFaces())
    return [each.statusCode for each in (a, b, done.pop().result(), c, d)]
""")

    async def drive(channel):
        assert (await channel.ask()).json == [200] * 5

    hosted.run(drive, settings=settings_of(LUNA_FACES=stub.origin))


def test_many_calls_at_a_time_share_the_pool(hosted, make):
    stub = make()
    hosted.write("""
import asyncio
async def main(request):
    responses = await asyncio.gather(*(request.clients.faces.getFaces(page=page) for page in range(200)))
    return sum(each.statusCode == 200 for each in responses)
""")

    async def drive(channel):
        assert (await channel.ask()).json == 200

    hosted.run(drive, settings=settings_of(more={"pool_size": 5}, LUNA_FACES=stub.origin))
    assert len(stub.requests) == 200


def test_a_cancelled_request_cancels_the_call_that_it_awaits(hosted, make):
    service = make(RawService, [], then_close=False)
    hosted.write("""
import asyncio
calls = []
async def main(request):
    if request.body:
        return [call.cancelled() for call in calls]
    calls.append(request.clients.faces.getFaces())
    calls.append(request.clients.faces.getLists())
    await calls[0]
""")

    async def drive(channel):
        number = channel.send()
        while service.connections < 2:
            await asyncio.sleep(0.01)
        channel.on_cancel(number, "timeout")
        assert (await channel.answer(number)).status == 504
        assert (await channel.ask(body=[])).json == [True, False]

    hosted.run(drive, settings=settings_of({"request": 1}, LUNA_FACES=service.origin))


def test_the_end_waits_for_calls_that_nobody_awaits(hosted, make):
    import threading

    go_on = threading.Event()
    stub = make(StubService, lambda _: (go_on.wait(10), (200, {}))[1])
    hosted.write(UNAWAITED)

    async def drive(channel):
        await channel.ask()
        while not stub.requests:
            await asyncio.sleep(0.01)
        channel.loop.call_later(0.3, go_on.set)

    channel = hosted.run(drive, settings=settings_of(LUNA_EVENTS=stub.origin))
    assert go_on.is_set()
    assert channel.texts("error") + channel.texts("warning") == []


def test_the_wait_at_the_end_is_bounded(hosted, make):
    service = make(RawService, [], then_close=False)
    hosted.write(UNAWAITED)

    async def drive(channel):
        await channel.ask()

    channel = hosted.run(drive, settings=settings_of(LUNA_EVENTS=service.origin), shutdown_limit=0.5)
    assert [text for text in channel.texts("warning") if "given up, 1 of them: luna-events: POST /events" in text]


def test_calls_in_onshutdown_are_sent(hosted, make):
    stub = make()
    hosted.write("""
class UserCtx:
    async def onShutdown(self):
        self.clients.faces.getFaces()
async def main(request):
    request.userCtx.clients = request.clients
    return {}
""")

    async def drive(channel):
        await channel.ask()

    hosted.run(drive, settings=settings_of(LUNA_FACES=stub.origin))
    assert len(stub.requests) == 1


def test_a_call_from_a_thread_says_what_to_do(hosted, make):
    hosted.write("""
import asyncio
async def main(request):
    clients = request.clients
    try:
        await asyncio.to_thread(clients.faces.getFaces)
    except RuntimeError as error:
        return str(error)
""")

    async def drive(channel):
        assert "asyncio.run_coroutine_threadsafe" in (await channel.ask()).json

    hosted.run(drive, settings=settings_of(LUNA_FACES="http://127.0.0.1:9"))


# --- aiohttp ------------------------------------------------------------------------------------------------------


def test_modules_of_the_lambda_do_not_stand_in_for_aiohttp_nor_notice_it(hosted, make):
    stub = make()
    hosted.write("mine = True\n", "aiohttp.py").write("mine = True\n", "yarl.py")
    hosted.write("""
import yarl
async def main(request):
    response = await request.clients.faces.getFaces()
    import aiohttp, yarl as again
    return [response.statusCode, yarl.mine, again.mine, aiohttp.mine]
""")
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in ("aiohttp", "yarl")}

    async def drive(channel):
        answer = await channel.ask()
        assert not answer.kind, answer
        assert answer.json == [200, True, True, True]

    try:
        hosted.run(drive, settings=settings_of(LUNA_FACES=stub.origin))
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] in ("aiohttp", "yarl")]:
            del sys.modules[name]
        sys.modules.update(before)


def test_without_aiohttp_a_call_says_what_to_install(hosted, monkeypatch):
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    hosted.write("async def main(request):\n    await request.clients.faces.getFaces()\n")

    async def drive(channel):
        answer = await channel.ask()
        assert answer.detail.startswith("request.clients need aiohttp, which cannot be imported")
        assert "python3-aiohttp" in answer.detail

    hosted.run(drive, settings=settings_of(LUNA_FACES="http://127.0.0.1:9"))


# --- luna-configurator -----------------------------------------------------------------------------------------

ADDRESS = "async def main(request):\n    faces = request.clients.faces\n    return faces and faces.getAddress()\n"


def configured(origin, **more):
    group = {"USE_CONFIGURATOR": 1, "LUNA_CONFIGURATOR_ORIGIN": origin, "LUNA_CONFIGURATOR_API": 2}
    return json.dumps({"luna": {"retries": 0, "poll_period": 0.05, "LUNA_CONFIGURATOR": group, **more}})


def test_settings_of_the_configurator_come_before_those_of_the_file(hosted, make):
    stub = make(StubService, lambda _: (200, {"LUNA_FACES_ADDRESS": {"origin": "http://c"}, "OTHER": 1}))
    hosted.write(ADDRESS)

    async def drive(channel):
        assert (await channel.ask()).json == "http://c/3"

    hosted.run(drive, settings=configured(stub.origin, LUNA_FACES_ADDRESS={"origin": "http://file"}))
    first = stub.requests[0]
    assert (first.method, first.path, first.query) == ("GET", "/2/settings", {"service_name": "luna-lambda-unit"})


def test_a_change_in_the_configurator_is_followed_and_failures_change_nothing(hosted, make):
    answers = {"now": (200, {"LUNA_FACES_ADDRESS": {"origin": "http://one"}})}
    stub = make(StubService, lambda _: answers["now"])
    hosted.write(ADDRESS)

    async def polled(channel):
        seen = len(stub.requests)
        while len(stub.requests) < seen + 3:
            await asyncio.sleep(0.01)

    async def drive(channel):
        assert (await channel.ask()).json == "http://one/3"
        for broken in ((500, b"oops"), (200, [1]), (200, {"LUNA_FACES_ADDRESS": {"origin": "nowhere"}})):
            answers["now"] = broken
            await polled(channel)
            assert (await channel.ask()).json == "http://one/3"
        answers["now"] = (200, {"LUNA_FACES_ADDRESS": {"origin": "http://two"}})
        await channel.line("answers again")
        assert (await channel.ask()).json == "http://two/3"
        answers["now"] = (200, {"LUNA_FACES_ADDRESS": {"origin": "http://two"}})
        await polled(channel)

    channel = hosted.run(drive, settings=configured(stub.origin))
    assert len(channel.texts("warning")) == 1, "only the first failure in a row is told"
    assert [text for text in channel.texts("info") if "in use" in text] == 2 * [
        "settings of luna-configurator are in use: LUNA_FACES_ADDRESS"
    ]


def test_without_the_configurator_configured_addresses_are_used(hosted):
    hosted.write(ADDRESS)

    async def drive(channel):
        assert (await channel.ask()).json == "http://file/3"

    channel = hosted.run(drive, settings=configured(unused_origin(), LUNA_FACES_ADDRESS={"origin": "http://file"}))
    assert "the configured addresses are used until it answers" in channel.texts("warning")[0]


def test_without_the_configurator_and_addresses_the_start_fails(hosted):
    origin = unused_origin()

    stage, text, _ = hosted.write(ADDRESS).fails(settings=configured(origin))

    assert stage == "load"
    assert text.startswith(f"luna-configurator: GET {origin}/2/settings?service_name=luna-lambda-unit: cannot connect")
    assert "no service has an address in the configuration" in text


# --- health -------------------------------------------------------------------------------------------------------


def health(hosted, settings, query=b"include_luna_services=1"):
    seen = []
    hosted.write("async def main(request):\n    return {}\n")

    async def drive(channel):
        seen.append(await channel.ask("GET", b"/healthcheck", query=query))

    hosted.run(drive, settings=settings)
    return seen[0]


def test_health_asks_each_enabled_service(hosted, make):
    faces, events, off = make(), make(), make()
    more = {"ADDITIONAL_SERVICES_USAGE": {"luna_sender": 0}}

    answer = health(
        hosted, settings_of(more=more, LUNA_FACES=faces.origin, LUNA_EVENTS=events.origin, LUNA_SENDER=off.origin)
    )

    assert answer.status == 200
    assert isinstance(answer.json["execution_time"], float)
    assert [(got.method, got.path) for got in faces.requests + events.requests] == 2 * [("GET", "/healthcheck")]
    assert off.requests == []


def test_health_asks_no_service_unless_it_is_told_to(hosted, make):
    faces = make()

    assert health(hosted, settings_of(LUNA_FACES=faces.origin), b"").status == 200
    assert health(hosted, settings_of(LUNA_FACES=faces.origin), b"include_luna_services=0").status == 200
    assert faces.requests == []


def test_health_tells_of_each_service_that_is_not_well(hosted, make):
    faces, events = make(), make(StubService, lambda _: (502, {"errors": []}))
    refused = unused_origin()
    settings = settings_of(LUNA_FACES=faces.origin, LUNA_EVENTS=events.origin, LUNA_SENDER=refused)

    answer = health(hosted, settings)

    assert answer.status == 502
    first, second = answer.json["errors"]
    assert {first["error_code"], second["error_code"]} == {38001}
    assert first["desc"] == "Health check error"
    assert first["link"].endswith("/code-38001")
    assert first["detail"].startswith(f"luna-events: GET {events.origin}/healthcheck was answered 502")
    assert second["detail"].startswith(f"luna-sender: GET {refused}/healthcheck: cannot connect")


def test_health_is_bounded_in_time(hosted, make, monkeypatch):
    from luna_lambda_tools.private import health as module

    monkeypatch.setattr(module, "SECONDS", 0.2)
    service = make(RawService, [], then_close=False)

    answer = health(hosted, settings_of(LUNA_FACES=service.origin))

    assert answer.status == 502
    assert "time-out" in answer.json["errors"][0]["detail"]


# --- tasks ---------------------------------------------------------------------------------------------------------


def test_tasks_have_clients_with_the_tasks_account(hosted, make):
    stub = make()
    hosted.write("""
from luna_lambda_tools.public.tasks import BaseLambdaTask
from luna_lambda_tools.public.clients import TasksClients
class LambdaTask(BaseLambdaTask):
    async def splitTasksContent(self, content):
        return [{}]
    async def executeSubtask(self, subtaskContent):
        assert isinstance(self.clients, TasksClients)
        assert self.facesEnabled and not self.eventsEnabled and self.clients.events is None
        return {"status": (await self.clients.faces.getFaces()).statusCode}
""")

    async def drive(channel):
        call = {"task_id": 1, "account_id": ACCOUNT, "sub_task_id": 0, "content": {}}
        assert (await channel.ask("TASK", b"execute", call)).json == {"status": 200}

    hosted.run(drive, settings=settings_of(LUNA_FACES=stub.origin))
    assert stub.requests[0].headers["luna-account-id"] == ACCOUNT
