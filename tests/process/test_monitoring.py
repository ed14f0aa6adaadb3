"""Points for InfluxDB, against a stub on loopback that takes them, fails, hangs, or is not there."""

import re
import time
from collections.abc import Iterator

import pytest

from support import influx
from support.influx import Influx
from support.lambdapool import ROOT, Lambdapool, run
from support.processes import resident_bytes

LAMBDA = "6f1c4c5e-0b39-4d3c-8a57-3f2d3c1b9a10"
TOKEN = "the-token-that-nobody-sees"
POINT = re.compile(r"requests,route=(\S+),service=(\S+),status_code=(\d+) request_id=\"([^\"]+)\",execution_time=(\S+) (\d{19})")


@pytest.fixture
def stub() -> Iterator[Influx]:
    with influx.running() as running:
        yield running


def settings_for(origin: str, **more: object) -> dict[str, object]:
    return {
        "lambda.id": LAMBDA,
        "monitoring.url": origin,
        "monitoring.organization": "an org",
        "monitoring.bucket": "b&b",
        "monitoring.token": TOKEN,
        "monitoring.flush_period": "50ms",
        **{f"monitoring.{name}": value for name, value in more.items()},
    }


@pytest.fixture
def monitored(serve, stub):
    def start(**more: object) -> Lambdapool:
        return serve("monitored", settings=settings_for(stub.origin, **more))

    return start


def test_every_request_is_a_point(monitored, stub):
    server = monitored()
    began = time.time_ns()
    response = server.post({})

    (line,) = stub.wait_for(lambda s: s.of("requests"))
    found = POINT.fullmatch(line)
    assert found, line
    assert found.groups()[:4] == ("POST:/main", f"lambda-{LAMBDA}", "200", response.header("Luna-Request-Id"))
    assert 0 < float(found[5]) < 60
    assert began < int(found[6]) < time.time_ns()
    write = stub.writes[0]
    assert (write.path, write.query) == ("/api/v2/write", {"org": "an org", "bucket": "b&b", "precision": "ns"})
    assert write.headers["Authorization"] == f"Token {TOKEN}"


def test_a_failed_request_is_an_error_as_well(monitored, stub):
    server = monitored()
    server.allow("division by zero")
    response = server.post({"by": 0})

    (line,) = stub.wait_for(lambda s: s.of("errors"))
    tags = f"error_code=42004,route=POST:/main,service=lambda-{LAMBDA},status_code=500"
    assert line.startswith(f'errors,{tags} request_id="{response.header("Luna-Request-Id")}" ')
    (request,) = stub.of("requests")
    assert request.rpartition(" ")[2] == line.rpartition(" ")[2]


def test_data_of_handlers_and_points_of_the_lambda_are_written(monitored, stub):
    server = monitored()
    server.request("GET", "/items/7")
    server.post({"points": 3})

    stub.wait_for(lambda s: len(s.of("matches")) == 3 and len(s.of("requests")) == 2)
    assert stub.of("requests")[0].startswith(r"requests,kind=an\ item,route=GET:/items/<id:int>,")
    assert " size=7i," in stub.of("requests")[0]
    assert [line.rpartition(" ")[0] for line in stub.of("matches")] == [
        f'matches,list=staff,service=lambda-{LAMBDA} number={number}i,text=""' for number in range(3)
    ]


def test_influxdb_1_is_written_to_its_database(serve, stub):
    settings = {"monitoring.url": stub.origin, "monitoring.database": "luna", "monitoring.flush_period": "50ms"}
    server = serve("monitored", settings=settings)
    server.post({})

    stub.wait_for(lambda s: s.of("requests"))
    assert (stub.writes[0].path, stub.writes[0].query) == ("/write", {"db": "luna", "precision": "ns"})
    assert "Authorization" not in stub.writes[0].headers


def test_every_worker_writes(serve, stub):
    server = serve("monitored", workers=2, settings=settings_for(stub.origin))
    for _ in range(50):
        server.post({})

    stub.wait_for(lambda s: len(s.of("requests")) == 50)
    assert len({line.rpartition(" ")[2] for line in stub.of("requests")}) == 50


def test_what_waits_is_written_when_the_server_stops(monitored, stub):
    server = monitored(flush_period="1h")
    server.post({"points": 5})
    server.stop()

    assert (len(stub.of("matches")), len(stub.of("requests"))) == (5, 1)


def test_points_that_are_refused_are_dropped_with_the_reason(monitored, stub):
    stub.answer = 400
    server = monitored()
    server.post({})
    (line,) = server.log.wait_for("refuses points, 1 are dropped", level="warning", within=15)
    assert "it answered 400 {\"code\":\"invalid\",\"message\":\"the stub refuses\"}" in line.message

    stub.answer = 204
    server.post({})

    stub.wait_for(lambda s: s.of("requests"))
    assert (len(stub.of("requests")), len(stub.refused)) == (1, 1)


@pytest.mark.parametrize("answer", [500, 503, 429])
def test_a_server_that_fails_gets_them_later(monitored, stub, answer):
    stub.answer = answer
    server = monitored()
    server.post({"points": 2})
    server.log.wait_for(f"takes no points, .* wait: it answered {answer}", level="warning", within=15)
    assert server.post({}).status == 200

    stub.answer = 204

    stub.wait_for(lambda s: len(s.of("requests")) == 2 and len(s.of("matches")) == 2, within=30)
    server.log.wait_for("takes points again", level="info", within=15)


def test_a_server_that_is_not_there_gets_them_when_it_is(serve):
    port = influx.free_port()
    server = serve("monitored", settings=settings_for(f"http://127.0.0.1:{port}"))
    assert server.post({}).status == 200
    server.log.wait_for("takes no points, .* wait", level="warning", within=15)

    with influx.running(port) as late:
        late.wait_for(lambda s: s.of("requests"), within=30)
        server.stop()


@pytest.mark.parametrize("answer", ["hang", 500])
def test_a_server_that_hangs_or_fails_costs_no_request_its_time(monitored, stub, answer):
    stub.answer = answer
    server = monitored(timeout="60s")
    server.post({})
    stub.wait_for(lambda s: s.refused)

    began = time.monotonic()
    with server.connect() as connection:
        for _ in range(200):
            assert connection.request(json_body={"points": 1}).status == 200
    assert time.monotonic() - began < 10

    server.stop()  # within its bound, though the stub hangs
    server.log.wait_for("points could not be written and are lost", level="warning")


@pytest.mark.bound(120)
def test_memory_has_a_bound_while_nothing_is_taken(monitored, stub):
    stub.answer = "hang"
    server = monitored(buffer=2000, batch=100, timeout="60s")
    order = {"points": 500, "size": 1000}
    for _ in range(6):  # fills the buffer
        server.post(order)
    before = resident_bytes(server.worker())

    for _ in range(100):  # 50 MB of points
        assert server.post(order).status == 200

    assert resident_bytes(server.worker()) - before < 15 << 20
    server.stop()
    server.log.wait_for("points were dropped for want of room", level="warning")


def test_off_is_off(serve, stub):
    server = serve("monitored", settings={"monitoring.bucket": "b", "monitoring.flush_period": "50ms"})

    assert server.post({"points": 5}).status == 200
    server.stop()

    assert stub.lines == []


def test_the_token_is_shown_nowhere(monitored, stub, tmp_path):
    server = monitored()
    server.post({})
    stub.wait_for(lambda s: s.lines)
    shown = server.request("GET", "/config", headers={"Accept": "application/json"}).body
    shown += server.request("GET", "/metrics").body
    server.stop()
    file = tmp_path / "lambdapool.yml"
    file.write_text(f"monitoring: {{url: 'http://a', organization: o, bucket: b, token: '{TOKEN}'}}\n")
    printed = run("config", "--config", file)

    assert printed.returncode == 0
    assert '  token: "***"' in printed.stdout
    for text in (shown.decode(), printed.stdout, printed.stderr, "\n".join(server.log.lines)):
        assert TOKEN not in text


def test_half_a_configuration_says_what_is_missing():
    done = run("serve", ROOT / "examples" / "hello", "--set", "monitoring.url=http://a", "--set", f"monitoring.token={TOKEN}\x01")

    assert done.returncode != 0
    assert TOKEN not in done.stderr
    done = run("serve", ROOT / "examples" / "hello", "--set", "monitoring.url=http://a")
    assert "set monitoring.bucket (InfluxDB 2) or monitoring.database (InfluxDB 1)" in done.stderr
