"""The clients of LUNA's services in a served lambda, against services that are well and services that are not."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.http_client import request_bytes
from support.lambdapool import LAMBDAS, run
from support.luna_services import RawService, StubService, addresses, services, unused_origin
from support.wait import eventually

ACCOUNT = "11111111-2222-4333-8444-555555555555"
RID = "1700000000,aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"


@pytest.fixture
def make():
    with services() as maker:
        yield maker


def test_the_manuals_addresses(serve, make):
    faces, events = make(), make()
    both = serve("manual_clients", settings=addresses(LUNA_FACES=faces.origin, LUNA_EVENTS=events.origin))
    one = serve("manual_clients", settings=addresses(LUNA_FACES=faces.origin))

    assert both.post().json() == {"faces_address": f"{faces.origin}/3", "events_address": f"{events.origin}/2"}
    assert one.post().json() == {"faces_address": f"{faces.origin}/3"}


def test_the_manuals_flags(serve):
    server = serve("manual_clients_flags", settings=addresses(LUNA_SENDER="http://sender"))

    assert server.post().json() is None

    for line in ("events enabled: False", "sender enabled: True", "handlers enabled: False"):
        server.log.wait_for(f"^{line}$", level="info")


def test_the_manuals_event_that_nobody_awaits_arrives(serve, make, tmp_path):
    # The manual's `[...]` stands for events; with one in its place the rest is word for word.
    source = (LAMBDAS / "manual_clients_events" / "lambda_main.py").read_text()
    assert source.count("events=[...]") == 1
    (tmp_path / "lambda_main.py").write_text(source.replace("events=[...]", "events=[{'end_time': 'now'}]"))
    events = make()
    server = serve(tmp_path, settings=addresses(LUNA_EVENTS=events.origin))

    response = server.post(headers={"Luna-Account-Id": ACCOUNT, "Luna-Request-Id": RID})

    assert response.json() == {"status": "success"}
    (got,) = events.wait_for(1)
    assert (got.method, got.path, got.json) == ("POST", "/2/events", {"events": [{"end_time": "now"}]})
    assert (got.headers["luna-account-id"], got.headers["luna-request-id"]) == (ACCOUNT, RID)


def test_the_manuals_event_lambda_word_for_word(serve, make):
    events = make()
    server = serve("manual_clients_events", settings=addresses(LUNA_EVENTS=events.origin))
    server.allow("nobody awaited")

    assert server.post(headers={"Luna-Request-Id": RID}).json() == {"status": "success"}

    server.log.wait_for("a call that nobody awaited failed: .*ellipsis cannot be sent as JSON", request_id=RID)


def test_without_events_the_manuals_event_lambda_succeeds(serve):
    assert serve("manual_clients_events").post().json() == {"status": "success"}


def test_by_default_every_client_is_none(serve):
    found = serve("clients").post({}).json()["addresses"]

    assert len(found) == 11
    assert set(found.values()) == {None}


def test_a_file_with_lunas_names_configures_the_services(serve, make, tmp_path):
    faces = make()
    file = tmp_path / "lambdapool.yml"
    file.write_text(
        f"""luna:
  LUNA_FACES_ADDRESS: {{origin: "{faces.origin}", api_version: 7}}
  LUNA_EVENTS_ADDRESS: {{origin: "http://events"}}
  ADDITIONAL_SERVICES_USAGE: {{luna_events: 0}}
"""
    )
    server = serve("clients", "--config", str(file))

    found = server.post({}).json()["addresses"]
    assert {name: address for name, address in found.items() if address} == {"faces": f"{faces.origin}/7"}
    assert server.post({"client": "faces", "call": "getFaces"}).json() == {"status": 200, "json": {}}
    assert faces.requests[0].path == "/7/faces"


def test_connections_are_used_again(serve, make):
    ports = set()
    faces = make()
    original = faces._server.get_request

    def counted():
        connection, address = original()
        ports.add(address[1])
        return connection, address

    faces._server.get_request = counted
    server = serve("clients", settings=addresses(LUNA_FACES=faces.origin))
    for _ in range(10):
        assert server.post({"client": "faces", "call": "getFaces"}).status == 200

    assert len(ports) == 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("hangs", "no answer within its time-out, 1 s"),
        ("refuses", "cannot connect"),
        ("nonsense", "the answer is not HTTP"),
        ("half", "the answer broke off"),
    ],
)
def test_a_service_that_fails_is_named_in_time_and_hurts_no_other_request(serve, make, kind, text):
    origin = {
        "hangs": lambda: make(RawService, [], then_close=False).origin,
        "refuses": unused_origin,
        "nonsense": lambda: make(RawService, [b"\x16\x03\x01nonsense\r\n\r\n"]).origin,
        "half": lambda: make(RawService, [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]).origin,
    }[kind]()
    faces = make()
    settings = {**addresses(LUNA_EVENTS=origin, LUNA_FACES=faces.origin), "luna.LUNA_EVENTS_TIMEOUTS.request": 1}
    server = serve("clients", settings=settings)
    server.allow("LunaApiException")
    with server.connect(timeout=20) as connection:
        began = time.monotonic()
        connection.send(request_bytes(json_body={"client": "events", "call": "saveEvents", "kwargs": {"events": []}}))
        for _ in range(5):
            assert server.post({"client": "faces", "call": "getFaces"}).status == 200
        failed = connection.receive()
        took = time.monotonic() - began

    assert failed.status == 500
    detail = failed.json()["detail"]
    assert detail.startswith(f"luna-events: POST {origin}/2/events: ")
    assert text in detail
    assert took < 10
    assert len(server.workers()) == 1


def test_a_stop_waits_for_a_call_that_nobody_awaits(serve, make):
    go_on = threading.Event()
    events = make(StubService, lambda _: (go_on.wait(20), (201, {}))[1])
    server = serve("clients", settings=addresses(LUNA_EVENTS=events.origin))
    worker = server.worker()
    order = {"client": "events", "call": "saveEvents", "kwargs": {"events": []}, "await": False}
    assert server.post(order).json() == {"status": "begun"}
    events.wait_for(1)

    server.send_signal(signal.SIGTERM)
    server.log.wait_for("^stopping$")
    assert worker in server.workers()
    go_on.set()
    server.wait_for_exit()

    assert not server.log.find("given up")
    assert not server.log.find("nobody awaited")


def test_a_stop_gives_up_a_call_that_does_not_end(serve, make):
    events = make(RawService, [], then_close=False)
    settings = {**addresses(LUNA_EVENTS=events.origin), "pool.shutdown_timeout": "2s"}
    server = serve("clients", settings=settings)
    order = {"client": "events", "call": "saveEvents", "kwargs": {"events": []}, "await": False}
    assert server.post(order).json() == {"status": "begun"}
    eventually(lambda: events.connections == 1, what="the call is on its way")

    server.stop()

    server.log.wait_for("calls of LUNA's services are given up, 1 of them: luna-events: POST /events")


def test_a_reload_loses_no_call_that_nobody_awaits(serve, make):
    events = make()
    server = serve("clients", settings=addresses(LUNA_EVENTS=events.origin), workers=2)

    def save(number: int) -> int:
        call = {"client": "events", "call": "saveEvents", "kwargs": {"events": [number]}, "await": False}
        return server.post(call, timeout=30).status

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(save, number) for number in range(300)]
        events.wait_for(50)
        server.send_signal(signal.SIGHUP)
        assert [one.result() for one in sent] == [200] * 300
    server.log.wait_for("^reloaded$", within=20)

    assert sorted(got.json["events"][0] for got in events.wait_for(300)) == list(range(300))


def test_a_change_in_the_configurator_changes_an_address(serve, make):
    current = {"LUNA_FACES_ADDRESS": {"origin": "http://one", "api_version": 3}}
    configurator = make(StubService, lambda _: (200, current))
    settings = {
        "luna.LUNA_CONFIGURATOR.USE_CONFIGURATOR": 1,
        "luna.LUNA_CONFIGURATOR.LUNA_CONFIGURATOR_ORIGIN": configurator.origin,
        "luna.poll_period": "100ms",
    }
    server = serve("clients", settings=settings, workers=2)
    assert server.post({}).json()["addresses"]["faces"] == "http://one/3"

    current["LUNA_FACES_ADDRESS"] = {"origin": "http://two"}

    server.log.wait_for("settings of luna-configurator are in use: LUNA_FACES_ADDRESS", count=4)
    assert server.post({}).json()["addresses"]["faces"] == "http://two/3"
    assert {got.query["service_name"] for got in configurator.requests} == {"luna-lambda-unit"}


def test_a_start_without_the_configurator_fails_with_the_reason():
    origin = unused_origin()
    result = run(
        "serve",
        LAMBDAS / "clients",
        "--port",
        "0",
        "--set",
        "luna.LUNA_CONFIGURATOR.USE_CONFIGURATOR=1",
        "--set",
        f"luna.LUNA_CONFIGURATOR.LUNA_CONFIGURATOR_ORIGIN={origin}",
        within=30,
    )

    assert result.returncode > 0
    assert f"luna-configurator: GET {origin}/1/settings" in result.stderr
    assert "no service has an address in the configuration" in result.stderr


def test_health_includes_the_services_when_it_is_told_to(serve, make):
    faces = make()
    refused = unused_origin()
    well = serve("clients", settings=addresses(LUNA_FACES=faces.origin))
    ill = serve("clients", settings=addresses(LUNA_FACES=faces.origin, LUNA_SENDER=refused))

    healthy = well.request("GET", "/healthcheck?include_luna_services=1")
    assert healthy.status == 200
    assert list(healthy.json()) == ["execution_time"]
    assert ill.request("GET", "/healthcheck").status == 200
    broken = ill.request("GET", "/healthcheck?include_luna_services=1")
    assert broken.status == 502
    (error,) = broken.json()["errors"]
    assert (error["error_code"], error["desc"]) == (38001, "Health check error")
    assert error["detail"].startswith(f"luna-sender: GET {refused}/healthcheck: cannot connect")


def test_a_setting_that_cannot_be_meant_is_told_with_its_line(tmp_path):
    file = tmp_path / "lambdapool.yml"
    file.write_text("luna:\n  LUNA_FACE_ADDRESS: {origin: http://f}\n  LUNA_EVENTS_ADDRESS: {origin: f}\n")

    result = run("serve", LAMBDAS / "clients", "--port", "0", "--config", file)

    assert result.returncode > 0
    assert f"{file}:2: luna.LUNA_FACE_ADDRESS: unknown key; did you mean 'luna.LUNA_FACES_ADDRESS'?" in result.stderr
    assert f"{file}:3: luna.LUNA_EVENTS_ADDRESS.origin: must be a URL" in result.stderr
