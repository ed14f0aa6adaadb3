"""The log: what clients did, what lambdas say, and that no writer can harm it."""

import os
import re
import resource
import signal
import uuid

import pytest

from support.http_client import request_bytes
from support.lambdapool import Lambdapool
from support.log import parse_text
from support.wait import eventually

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def fresh_id() -> str:
    return f"1700000000,{uuid.uuid4()}"


# ---------------------------------------------------------------------- requests


def test_a_request_has_one_line_with_its_fields(serve):
    server = serve("sleeper")
    rid = fresh_id()

    response = server.post({"seconds": 0.2}, headers={"Luna-Request-Id": rid})

    (line,) = server.log.wait_for("^request$", request_id=rid)
    assert line.level == "info"
    assert TIME.match(line["time"])
    assert line["client"].startswith("127.0.0.1")
    assert (line["method"], line["target"], line["status"]) == ("POST", "/main", 200)
    assert line["bytes"] >= len(response.body)
    assert 150 <= line["run_ms"] < 2000
    assert 0 <= line["queue_ms"] < 150
    assert line["worker"] >= 1
    assert "error" not in line


def test_the_line_of_a_request_that_waited_says_how_long(serve):
    server = serve("sleeper", settings={"pool.concurrency": 1})
    rid = fresh_id()
    with server.connect() as running, server.connect() as waiting:
        running.send(request_bytes(json_body={"seconds": 0.5}))
        server.log.wait_for("^begun$")
        waiting.send(request_bytes(json_body={}, headers={"Luna-Request-Id": rid}))
        assert running.receive().status == waiting.receive().status == 200

    (line,) = server.log.wait_for("^request$", request_id=rid)
    assert 200 < line["queue_ms"] < 2000
    assert line["run_ms"] < 300


def test_the_line_of_a_failed_request_names_the_kind(serve):
    server = serve("manual_division")
    server.allow(".")
    server.post()
    server.request("GET", "/nothing?a=1")

    (failed,) = server.log.wait_for("^request$", status=500)
    (lost,) = server.log.wait_for("^request$", status=404)

    assert failed["error"] == "lambda_exception"
    assert lost["error"] == "not_found"
    assert lost["target"] == "/nothing?a=1"


def test_a_request_that_no_worker_saw_has_no_worker_in_its_line(serve):
    server = serve("echo")
    with server.connect() as connection:
        connection.send(b"what?\r\n\r\n")
        assert connection.receive().status == 400

    (line,) = server.log.wait_for("^request$", status=400)
    assert "worker" not in line
    assert line["error"] == "bad_request"


def test_what_a_client_sends_cannot_make_lines(serve):
    server = serve("echo")
    server.request("POST", "/main?a=%0Ab\"'\\=", headers={"User-Agent": 'x" message="forged'})

    (line,) = server.log.wait_for("^request$")
    assert line["target"].startswith("/main?a=%0Ab")


def test_the_access_log_can_be_left_out(serve):
    server = serve("manual_logger", settings={"log.access": "false"})
    server.post()
    server.log.wait_for("^Hello, world!$")
    server.stop()

    assert not server.log.find("^request$")


def test_the_level_leaves_out_what_is_less_serious(serve):
    server = serve("logs", settings={"log.level": "warning"})
    server.post({"name": "a"})
    server.log.wait_for("^a: after await$")
    server.stop()

    assert [record.level for record in server.log if record.level in ("debug", "info")] == []


# ---------------------------------------------------------------------- the lambda's logger


def test_lines_of_the_logger_carry_their_request_wherever_they_are_written(serve):
    server = serve("logs", settings={"log.level": "debug"})
    ids = {name: fresh_id() for name in "abcdef"}
    connections = []
    for name, rid in ids.items():
        connections.append(server.connect())
        connections[-1].send(
            request_bytes(json_body={"name": name}, headers={"Luna-Request-Id": rid})
        )
    for connection in connections:
        assert connection.receive().status == 200
        connection.close()

    for name, rid in ids.items():
        for what in ("first", "after await", "task", "thread", "own", "debug", "two"):
            (line,) = server.log.wait_for(f"^{name}: {what}")
            assert line["request_id"] == rid, line
            assert line["worker"] >= 1


def test_the_level_of_a_lambdas_line_is_kept(serve):
    server = serve("logs", settings={"log.level": "debug"})
    server.post({"name": "x"})

    assert server.log.wait_for("^x: first$")[0].level == "info"
    assert server.log.wait_for("^x: after await$")[0].level == "warning"
    assert server.log.wait_for("^x: debug$")[0].level == "debug"


def test_a_text_of_several_lines_is_one_record(serve):
    server = serve("logs")
    server.post({"name": "x"})

    (line,) = server.log.wait_for("^x: two")
    assert line.message == "x: two\nlines and a percent %s \x1b[31m"


# ---------------------------------------------------------------------- standard output and error


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_printed_line_is_a_record_with_its_worker(serve, stream):
    server = serve("prints")
    server.post({"stream": stream, "text": "one\ntwo\n"})

    records = server.log.wait_for(f"^{stream}$", count=2)
    assert [record["text"] for record in records] == ["one", "two"]
    assert records[0]["pid"] == server.worker()
    assert records[0]["worker"] >= 1


def test_a_line_without_its_end_comes_when_the_worker_is_gone(serve):
    server = serve("prints")
    server.post({"text": "and then"})
    server.stop()

    assert "and then" in [record.get("text") for record in server.log]


def test_a_line_of_10_megabytes_is_harmless(serve):
    server = serve("prints")
    before = server.resident_bytes()

    assert server.post({"megabytes": 10}, timeout=30).status == 200
    assert server.post({"text": "after\n"}).status == 200

    server.log.wait_for("^stdout$", text="after", within=20)
    assert max(len(line) for line in server.log.lines) < 200_000
    assert server.resident_bytes() - before < 100 << 20


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_binary_output_is_harmless(serve, stream):
    server = serve("prints")
    server.post({"stream": stream, "hex": bytes(range(256)).hex() + b"\nafter\n".hex()})

    server.log.wait_for(f"^{stream}$", text="after")
    # The harness fails when a line of the log is no record.
    server.check()


def test_output_and_errors_of_one_worker_keep_their_order(serve):
    server = serve("prints")
    server.post({"both": 200})

    out = [r["text"] for r in server.log.wait_for("^stdout$", count=200)]
    err = [r["text"] for r in server.log.wait_for("^stderr$", count=200)]
    assert out == [f"out {number}" for number in range(200)]
    assert err == [f"err {number}" for number in range(200)]


def test_output_that_looks_like_a_record_is_text(serve):
    forged = '{"time": "x", "level": "error", "message": "forged"}'
    server = serve("prints")
    server.post({"text": forged + "\n"})

    (record,) = server.log.wait_for("^stdout$")
    assert record["text"] == forged


def test_a_flood_of_lines_is_cut_short_and_says_so(serve):
    server = serve("prints")

    assert server.post({"lines": 50_000}, timeout=30).status == 200

    # Lines of the same second may be dropped; later ones are not, and the number of lost ones is told.
    def comes_through() -> bool:
        server.post({"text": "after\n"})
        return bool(server.log.find("^stdout$", text="after"))

    eventually(comes_through, within=10, what="a line after the flood")
    (dropped,) = server.log.wait_for("dropped", level="warning")
    assert dropped["stream"] == "stdout"
    assert 0 < dropped["lines"] < 50_000


# ---------------------------------------------------------------------- where the log goes


def test_text_lines_have_time_level_message_and_fields(serve):
    server = serve("manual_logger", log_format="text")
    rid = fresh_id()
    server.post(headers={"Luna-Request-Id": rid})

    (line,) = server.log.wait_for("^request$", request_id=rid)
    assert (line["method"], line["target"], line["status"]) == ("POST", "/main", "200")
    (hello,) = server.log.wait_for("^Hello, world!$")
    assert hello["request_id"] == rid
    (raw,) = [one for one in server.log.lines if "Hello, world!" in one]
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO  Hello, world! ", raw)


def test_further_lines_of_a_text_are_indented_and_cannot_be_records(serve):
    server = serve("logs", log_format="text")
    forged = "x\n2026-11-24T05:40:00.123Z ERROR forged worker=9"
    server.post({"name": forged})
    server.log.wait_for("percent", since=0)

    (start,) = [number for number, line in enumerate(server.log.lines) if line.endswith("lines and a percent %s \\x1b[31m")]
    first, second, third = server.log.lines[start - 2 : start + 1]
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO  x worker=1 request_id=\S+$", first)
    assert second == "    2026-11-24T05:40:00.123Z ERROR forged worker=9: two"
    assert third.startswith("    lines and")
    assert not [record for record in server.log.records if record["level"] == "error"]


def test_a_log_file_is_written_and_opened_again_on_usr1(serve, tmp_path):
    file, moved = tmp_path / "lambdapool.log", tmp_path / "lambdapool.log.1"
    server: Lambdapool = serve("manual_logger", log_format="text", settings={"log.file": file})
    server.post()
    eventually(lambda: "Hello, world!" in file.read_text())

    file.rename(moved)
    server.send_signal(signal.SIGUSR1)
    eventually(file.exists, what="the file under its name again")
    before = moved.read_text().count("Hello, world!")
    server.post()

    eventually(lambda: "Hello, world!" in file.read_text())
    assert moved.read_text().count("Hello, world!") == before == 1
    assert all(parse_text(line) for line in file.read_text().splitlines())
    assert server.log.lines == []


def test_a_log_that_nobody_reads_does_not_stop_service(serve):
    read_end, write_end = os.pipe()
    server = serve("prints", stderr=write_end)
    os.close(write_end)

    # Far more than a pipe holds.
    for number in range(20):
        assert server.post({"lines": 5_000}, timeout=20).status == 200, number
    assert server.post({}).status == 200
    server.stop()
    os.close(read_end)


def test_a_log_whose_reader_has_gone_does_not_stop_service(serve):
    read_end, write_end = os.pipe()
    server = serve("prints", stderr=write_end)
    os.close(write_end)
    os.close(read_end)

    for _ in range(5):
        assert server.post({"lines": 100}).status == 200


def test_a_log_that_goes_nowhere_is_no_reason_to_fail(serve):
    with open(os.devnull, "wb") as null:
        server = serve("prints", stderr=null.fileno())

    assert server.post({"text": "to nobody\n"}).status == 200


def test_a_log_file_that_may_not_grow_costs_lines_and_nothing_else(serve, tmp_path):
    """As with `ulimit -f`: the system's signal for it would end the supervisor."""
    server = serve("echo", settings={"log.file": str(tmp_path / "log")})
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    assert [server.post({"n": n}).status for n in range(3)] == [200] * 3

    def lost() -> int:
        text = server.request("GET", "/metrics").body.decode()
        found = re.search(r'^lambdapool_log_lines_lost_total\{reason="write_failed"\} (\d+)', text, re.M)
        return int(found[1]) if found else 0

    eventually(lambda: lost() >= 3, what="the lines of the requests are counted as lost")
