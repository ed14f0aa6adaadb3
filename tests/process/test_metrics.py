"""A lambda's own metrics, from all its workers, at GET /lambda_metrics; and the host's at /metrics."""

import os
import re
import signal
import time

import pytest

from support import processes
from support.lambdapool import run
from support.wait import eventually

LAMBDA = """
    import os
    import threading

    from luna_lambda_tools import StandaloneLambdaRequest
    from luna_lambda_tools.public.metrics.user_metrics import Counter, Gauge, Histogram, Summary, monitorLastActivity

    FACES = Counter("faces_found", "faces found in images", labelNames=["camera"])
    CALLS = Counter("calls", "how often")
    LOADED = Gauge("loaded", "models in memory")
    SIZES = Histogram("sizes", "sizes of images", buckets=[1, 10])
    WAITS = Summary("waits", "seconds of waiting")
    USER_METRICS = [FACES, CALLS, LOADED, SIZES, WAITS]

    LOADED.set(2)


    class UserCtx:
        async def onStart(self):
            LOADED.inc()


    @monitorLastActivity
    async def main(request: StandaloneLambdaRequest) -> dict:
        order = request.json
        CALLS.inc()
        FACES.inc(order.get("faces", 1), labels={"camera": order.get("camera", "a")})
        SIZES.observe(order.get("size", 5))
        WAITS.observe(0.5)
        if order.get("thread"):
            thread = threading.Thread(target=CALLS.inc, args=(order["thread"],))
            thread.start()
            thread.join()
        return {"pid": os.getpid()}
"""
SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
LAMBDA_ID = "11111111-2222-4333-8444-555555555555"


def parse(text):
    """Prometheus' text format, strictly: every sample belongs to a TYPE line above it, and comes once."""
    samples, types, current = {}, {}, ""
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, current, kind = line.split(" ")
            assert current not in types, f"{current} comes twice"
            types[current] = kind
        elif line and not line.startswith("# HELP "):
            found = SAMPLE.match(line)
            assert found, line
            name, labels, value = found.groups()
            assert re.fullmatch(rf"{current}(_bucket|_count|_sum)?", name), line
            key = (name, *sorted(LABEL.findall(labels or "")))
            assert key not in samples, f"{key} comes twice"
            samples[key] = float(value)
    return samples, types


def metrics_of(server, path="/lambda_metrics"):
    response = server.request("GET", path)
    assert response.status == 200
    assert response.header("Content-Type").startswith("text/plain")
    return parse(response.body.decode())


def value_of(server, name, **labels):
    samples, _ = metrics_of(server)
    key = (name, *sorted({"lambda_id": LAMBDA_ID, **labels}.items()))
    return samples.get(key)


@pytest.fixture
def metered(make_lambda, serve):
    """Starts the lambda with so many workers."""
    folder = make_lambda(LAMBDA)

    def start(workers=1, **settings):
        return serve(folder, workers=workers, settings={"lambda.id": LAMBDA_ID, **settings})

    return start


def calls_by_worker(server, wanted):
    """Calls until each of so many workers has answered; says how many calls it took."""
    pids, calls = set(), 0
    connections = [server.connect() for _ in range(8)]
    deadline = time.monotonic() + 20
    while len(pids) < wanted:
        assert time.monotonic() < deadline, f"only {pids} answer"
        for connection in connections:
            connection.send(b"POST /main HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        for connection in connections:
            pids.add(connection.receive().json()["pid"])
            calls += 1
    for connection in connections:
        connection.close()
    return calls


def test_metrics_are_there_from_the_start_under_the_lambdas_id(metered):
    server = metered()
    samples, types = metrics_of(server)
    assert {name: types[name] for name in ("calls_total", "loaded", "sizes", "waits")} == {
        "calls_total": "counter",
        "loaded": "gauge",
        "sizes": "histogram",
        "waits": "summary",
    }
    assert all(("lambda_id", LAMBDA_ID) in key for key in samples)
    assert value_of(server, "calls_total") == 0
    assert value_of(server, "loaded") == 3
    assert value_of(server, "last_activity") is None


def test_what_a_request_counts_is_shown_when_it_is_answered(metered):
    server = metered()
    before = time.time()
    for number in range(1, 6):
        assert server.post({"camera": 'a "b"\\\n', "faces": 2, "size": number * 5}).status == 200
        assert value_of(server, "calls_total") == number
    assert value_of(server, "faces_found_total", camera='a \\"b\\"\\\\\\n') == 10
    assert [value_of(server, "sizes_bucket", le=le) for le in ("1", "10", "+Inf")] == [0, 2, 5]
    assert (value_of(server, "sizes_count"), value_of(server, "sizes_sum")) == (5, 75)
    assert (value_of(server, "waits_count"), value_of(server, "waits_sum")) == (5, 2.5)
    assert before <= value_of(server, "last_activity") <= time.time()


def test_threads_of_a_lambda_count_too(metered):
    server = metered()
    server.post({"thread": 40})
    eventually(lambda: value_of(server, "calls_total") == 41, what="the thread's number")


def test_the_workers_numbers_are_added_up(metered):
    server = metered(workers=2, **{"pool.concurrency": 1})
    calls = calls_by_worker(server, 2)
    assert value_of(server, "calls_total") == calls
    assert value_of(server, "faces_found_total", camera="a") == calls
    assert value_of(server, "sizes_count") == calls
    assert value_of(server, "loaded") == 6


def test_nothing_is_lost_when_a_worker_is_killed(metered):
    server = metered(workers=2, **{"pool.concurrency": 1})
    server.allow("worker .*(ended|gone|died|killed)")
    calls = calls_by_worker(server, 2)
    for _ in range(2):
        victim = server.workers()[0]
        os.kill(victim, signal.SIGKILL)
        server.wait_for_replacement_of(victim)
        assert value_of(server, "calls_total") == calls
    server.log.wait_for("^worker ready$", count=4)
    calls += calls_by_worker(server, 2)
    assert value_of(server, "calls_total") == calls
    assert value_of(server, "sizes_bucket", le="10") == calls
    eventually(lambda: value_of(server, "loaded") == 6, what="the gauge of the new workers")
    assert not [one for one in processes.children(server.pid) if one.state == "Z"]


def test_last_activity_of_several_workers_is_the_latest(metered):
    server = metered(workers=2, **{"pool.concurrency": 1})
    calls_by_worker(server, 2)
    assert value_of(server, "last_activity") == pytest.approx(time.time(), abs=60)


def test_requests_and_errors_have_lunas_names(metered):
    server = metered()
    server.post({})
    server.request("POST", "/main", body=b"{")
    server.request("GET", "/healthcheck")
    server.request("GET", "/nowhere/1")
    samples, types = metrics_of(server, "/metrics")
    assert (types["request_count_total"], types["requests"]) == ("counter", "histogram")

    def count(path, status):
        return samples.get(("request_count_total", ("path", path), ("status_code", status)))

    assert (count("POST:/main", "200"), count("POST:/main", "400")) == (1, 1)
    assert count("GET:/healthcheck", "200") == 1
    assert samples[("errors_count_total", ("error_code", "12002"), ("path", "POST:/main"))] == 1
    assert not [key for key in samples if "/nowhere/1" in str(key)]
    assert value_of(server, "request_count_total", path="POST:/main", status_code="200") == 1


def test_a_label_with_ever_new_values_is_refused_in_few_lines(serve, make_lambda):
    server = serve(
        make_lambda(
            """
            from luna_lambda_tools.public.metrics.user_metrics import Counter
            SEEN = Counter("seen", "x", ["who"])
            USER_METRICS = [SEEN]
            async def main(request):
                for who in range(request.json["from"], request.json["to"]):
                    SEEN.inc(labels={"who": str(who)})
            """
        )
    )
    server.allow("metric refused")
    assert server.post({"from": 0, "to": 10_000}).status == 200
    assert server.log.find("metric refused") == []

    for first in range(10_000, 10_300, 10):
        assert server.post({"from": first, "to": first + 10}).status == 200

    refused = server.log.wait_for("^metric refused$")
    assert refused[0]["text"] == "metric 'seen_total': there are 10000 series already"
    assert len(server.log.find("^metric refused$")) <= 4


def test_bad_user_metrics_stop_the_start_and_are_named(make_lambda):
    folder = make_lambda(
        """
        from luna_lambda_tools.public.metrics.user_metrics import Counter
        USER_METRICS = [Counter("requests", "x"), 5]
        async def main(request): return {}
        """
    )
    done = run("serve", folder, "--port", "0")
    assert done.returncode != 0
    assert 'lambda_main.py: USER_METRICS[0]: the name "requests" is taken by the host' in done.stderr
    assert "USER_METRICS[1] is of type int" in done.stderr
