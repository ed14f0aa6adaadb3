"""How requests are spread over workers, and what a lambda finds in its worker."""

import collections
import subprocess
import sys
import time

import pytest

from support import processes
from support.http_client import request_bytes
from support.lambdapool import LAMBDAS, PROGRAMS
from support.wait import eventually


def test_one_worker_runs_many_requests_at_a_time(serve):
    server = serve("sleeper")
    connections = [server.connect() for _ in range(20)]

    began = time.monotonic()
    for connection in connections:
        connection.send(request_bytes(json_body={"seconds": 0.5}))
    pids = {connection.receive().json()["pid"] for connection in connections}

    assert time.monotonic() - began < 2
    assert len(pids) == 1
    for connection in connections:
        connection.close()


def test_a_worker_gets_no_more_than_its_window(serve):
    server = serve("sleeper", settings={"pool.concurrency": 2})
    connections = [server.connect() for _ in range(3)]
    for connection in connections:
        connection.send(request_bytes(json_body={"seconds": 0.4}))

    server.log.wait_for("^begun$", count=2)
    for connection in connections:
        server.has_read_all_of(connection)
    assert len(server.log.find("^begun$")) == 2
    server.log.wait_for("^ended$")
    server.log.wait_for("^begun$", count=3)

    for connection in connections:
        assert connection.receive().status == 200
        connection.close()


def test_the_concurrency_flag_is_the_window(serve):
    server = serve("sleeper", "--concurrency", "1")
    connections = [server.connect() for _ in range(2)]

    began = time.monotonic()
    for connection in connections:
        connection.send(request_bytes(json_body={"seconds": 0.3}))
    for connection in connections:
        assert connection.receive().status == 200
        connection.close()

    assert time.monotonic() - began >= 0.6


def test_requests_go_to_the_worker_with_the_fewest(serve):
    server = serve("sleeper", workers=4)
    connections = [server.connect() for _ in range(12)]
    for connection in connections:
        connection.send(request_bytes(json_body={"seconds": 0.5}))

    share = collections.Counter(connection.receive().json()["pid"] for connection in connections)

    assert sorted(share.values()) == [3, 3, 3, 3]
    for connection in connections:
        connection.close()


def test_a_worker_that_is_slow_gets_no_more_than_the_others_leave(serve):
    server = serve("sleeper", workers=2)
    with server.connect() as slow:
        slow.send(request_bytes(json_body={"seconds": 1}))
        (record,) = server.log.wait_for("^begun$")
        pids = [server.post({}).json()["pid"] for _ in range(10)]
        slow_pid = slow.receive().json()["pid"]

    assert record["worker"] >= 1
    assert slow_pid not in pids


def test_bodies_of_many_sizes_come_and_go_whole(serve):
    server = serve("echo")
    with server.connect(timeout=30) as connection:
        for size in (0, 1, 1023, 1024, 4096, 16_383, 16_384, 16_385, 65_535, 65_536, 1 << 20, 9_999_999):
            body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
            response = connection.request(body=body)
            assert response.json()["body"].encode("latin-1") == body, size


def test_bodies_of_many_clients_are_not_mixed_up(serve):
    server = serve("echo", workers=2)
    connections = [server.connect(timeout=30) for _ in range(16)]
    for round_ in range(5):
        for number, connection in enumerate(connections):
            connection.send(request_bytes(body=bytes([number, round_]) * (50_000 + number)))
        for number, connection in enumerate(connections):
            body = connection.receive().json()["body"].encode("latin-1")
            assert body == bytes([number, round_]) * (50_000 + number)
    for connection in connections:
        connection.close()


# ---------------------------------------------------------------------- inside of a worker


def test_a_worker_has_its_own_descriptors_and_no_others(serve):
    server = serve("inspects", workers=3)
    with server.connect() as connection:
        found = connection.request().json()
        supervisor = set(processes.descriptors(server.pid).values())
        siblings = set()
        for pid in server.workers():
            if pid != found["pid"]:
                siblings |= set(processes.descriptors(pid).values())

    mine = {target for target in found["descriptors"].values() if target.startswith(("socket:", "pipe:"))}
    assert not [one for one in mine if one.startswith("socket:") and one in supervisor]
    assert not mine & siblings
    assert found["descriptors"]["0"] == "/dev/null"
    assert found["parent"] == server.pid


def test_standard_input_is_empty(serve):
    assert serve("inspects").post().json()["stdin"] == ""


def test_python_is_the_one_of_the_system(serve):
    version = serve("inspects").post().json()["version"]

    assert version >= [3, 11]
    assert version[0] == sys.version_info[0]


@pytest.mark.parametrize(("setting", "loop"), [("asyncio", "asyncio"), ("uvloop", "uvloop"), ("auto", "uvloop")])
def test_the_event_loop_is_the_one_of_the_configuration(serve, setting, loop):
    pytest.importorskip("uvloop")

    assert serve("inspects", settings={"worker.event_loop": setting}).post().json()["loop"] == loop


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_both_event_loops_serve_load(serve, loop):
    server = serve("echo", settings={"worker.event_loop": loop})
    connections = [server.connect() for _ in range(8)]
    for number in range(50):
        for connection in connections:
            connection.send(request_bytes(body=b"%d" % number))
        for connection in connections:
            assert connection.receive().json()["body"] == str(number)
    for connection in connections:
        connection.close()


def test_modules_of_a_lambda_do_not_break_the_host(serve):
    response = serve("shadows").post({"a": 1})

    assert (response.status, response.json()) == (200, {"colours": ["red", "green"], "sent": {"a": 1}})


def test_the_folder_of_the_lambda_comes_first(serve):
    found = serve("inspects").post().json()

    assert found["path"][0] == found["file"].rsplit("/", 1)[0]


def test_a_lambda_is_served_under_a_path_with_odd_letters(serve, make_lambda):
    folder = make_lambda(
        """
        import neighbour

        async def main(request):
            return {"result": neighbour.VALUE}
        """,
        name="a path with blanks, \u00fcml\u00e4uts & 'quotes'",
        neighbour__py="VALUE = 7\n",
    )

    assert serve(folder).post().json() == {"result": 7}


def test_the_server_listens_where_it_is_told(serve):
    server = serve("echo", "--host", "127.0.0.2")

    assert server.address[0] == "127.0.0.2"
    assert server.post().status == 200


def test_the_supervisor_rests_when_nothing_happens(serve):
    server = serve("echo", workers=2)
    server.post()
    pids = [server.pid, *server.workers()]

    before = sum(processes.stat(pid).cpu_seconds for pid in pids)
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 1.0, within=2)
    used = sum(processes.stat(pid).cpu_seconds for pid in pids) - before

    assert used < 0.1


def test_a_worker_whose_loop_is_blocked_gets_no_more_requests(serve, make_lambda):
    folder = make_lambda(
        """
        import time
        from luna_lambda_tools import logger

        async def main(request):
            if request.json.get("block"):
                logger.info("begun")
                time.sleep(request.json["block"])
            return {}
        """
    )
    server = serve(folder, workers=2)

    def all_are_quick() -> bool:
        try:
            return all(server.post({}, timeout=1).status == 200 for _ in range(8))
        except OSError:  # It went to the blocked worker before that was known.
            return False

    with server.begin(block=6) as blocked:
        eventually(all_are_quick, within=5)
        assert blocked.receive(within=10).status == 200


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
def test_it_serves_and_stops_when_it_was_started_with_closed_descriptors(tmp_path, closed):
    log = tmp_path / "log"
    command = f'exec "{PROGRAMS}/lambdapool" serve "{LAMBDAS}/echo" --port 0 {closed} 2>"{log}"'
    process = subprocess.Popen(["/bin/sh", "-c", command])
    try:
        eventually(lambda: log.exists() and "worker ready" in log.read_text(), within=20)
        process.terminate()
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()
