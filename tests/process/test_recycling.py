"""Workers that are replaced while clients go on: by limits, by spares, by reload and by scale."""

import itertools
import os
import signal
import threading
import time

import pytest

from support.wait import eventually


class Load:
    """Clients that send one request after the other until they are told to stop."""

    def __init__(self, server, connections):
        self.server = server
        self.stopped = threading.Event()
        self.answers, self.failures = [], []
        self.threads = [threading.Thread(target=self.run) for _ in range(connections)]
        for thread in self.threads:
            thread.start()

    def run(self):
        try:
            with self.server.connect(timeout=30) as connection:
                while not self.stopped.is_set():
                    response = connection.request(json_body={"take": "who"})
                    self.answers.append(response.status)
        except Exception as error:
            self.failures.append(repr(error))

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)
        assert self.failures == []
        assert set(self.answers) == {200}, {status: self.answers.count(status) for status in set(self.answers)}
        return len(self.answers)


def pids_seen(server, wanted, within=30):
    seen = set()

    def look():
        seen.update(server.workers())
        return len(seen) >= wanted

    eventually(look, within=within, what=f"{wanted} workers, one after the other")
    return seen


@pytest.mark.parametrize(
    "settings", [{"pool.max_requests": 50}, {"pool.max_lifetime": "300ms"}]
)
def test_workers_that_have_had_their_time_are_replaced_without_losing_a_request(serve, settings):
    server = serve("takes", workers=2, settings=settings)
    load = Load(server, 8)
    try:
        pids_seen(server, 6)
    finally:
        load.stop()
    server.wait_for_workers(2, within=20)


def test_a_spare_takes_over_at_once_when_a_worker_dies(serve):
    server = serve("takes", spares=1)
    server.allow(".")
    serving = server.post({"take": "who"}).json()["pid"]
    server.log.wait_for("^worker ready$", count=2, within=20)

    os.kill(serving, signal.SIGKILL)

    server.log.wait_for("^a spare worker takes over$")
    assert server.post({"take": "who"}).json()["pid"] != serving
    server.wait_for_workers(2)


@pytest.mark.bound(120)
def test_reload_and_scale_under_load_lose_nothing(serve):
    server = serve("takes")
    load = Load(server, 64)
    try:
        end = time.monotonic() + 30
        for turn in itertools.count():
            server.send_signal(signal.SIGHUP)
            server.log.wait_for("^reloaded$", count=turn + 1, within=60)
            up = turn % 2 == 0
            for step in range(7):
                server.send_signal(signal.SIGTTIN if up else signal.SIGTTOU)
                server.log.wait_for("^scaling$", count=turn * 7 + step + 1, within=60)
            if turn >= 9 and turn % 2 == 1 and time.monotonic() >= end:
                break
    finally:
        answered = load.stop()
    assert answered > 1000


def test_a_worker_that_has_grown_too_large_is_replaced(serve):
    server = serve("takes", settings={"pool.max_rss": "200MiB"})
    before = server.post({"take": "who"}).json()["pid"]

    server.post({"take": "keep", "size": 300 << 20}, timeout=30)

    eventually(lambda: server.post({"take": "who"}).json()["pid"] != before, within=20)
    eventually(lambda: len(server.workers()) == 1, within=20)
