"""Stopping: what is running is finished, nothing new begins, and it ends in time whatever a lambda does."""

import contextlib
import os
import signal
import time

import pytest

from support.http_client import Closed, request_bytes
from support.lambdapool import Lambdapool
from support.wait import eventually


def refuses_connections(server: Lambdapool) -> bool:
    try:
        with server.connect() as connection:
            # A connection of the backlog may still be made; it is served by nobody.
            connection.ends(within=1)
            return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT], ids=lambda one: one.name)
def test_running_requests_are_finished(serve, number):
    server = serve("sleeper", workers=2)
    connections = [server.begin(seconds=0.5, name=one) for one in range(6)]

    server.send_signal(number)

    for one, connection in enumerate(connections):
        response = connection.receive()
        assert (response.status, response.json()["name"]) == (200, one)
        assert response.closes
        assert connection.is_closed(within=2)
    server.wait_for_exit()
    assert len(server.log.find("^shutdown$")) == 2


def test_an_idle_server_stops_at_once(serve):
    server = serve("sleeper", workers=2)

    began = time.monotonic()
    server.stop()

    assert time.monotonic() - began < 2
    assert len(server.log.find("^shutdown$")) == 2


def test_idle_connections_are_closed_at_once(serve):
    server = serve("sleeper")
    idle = server.connect()
    assert idle.request(json_body={}).status == 200
    silent = server.connect()
    with server.begin(seconds=1) as running:
        server.send_signal(signal.SIGTERM)
        assert idle.is_closed(within=0.7)
        silent.ends(within=0.7)
        assert running.receive().status == 200
    server.wait_for_exit()
    idle.close()
    silent.close()


def test_new_connections_are_refused_while_requests_run(serve):
    server = serve("sleeper")
    with server.begin(seconds=1) as running:
        server.send_signal(signal.SIGTERM)
        eventually(lambda: refuses_connections(server), within=0.8)
        assert running.receive().status == 200
    server.wait_for_exit()


def test_waiting_requests_are_served_too(serve):
    server = serve("sleeper", settings={"pool.concurrency": 1})
    with server.begin(seconds=0.5) as running, server.connect() as waiting:
        waiting.send(request_bytes(json_body={"name": "waiting"}))
        server.has_read_all_of(waiting)

        server.send_signal(signal.SIGTERM)

        assert running.receive().status == 200
        assert waiting.receive().json()["name"] == "waiting"
    server.wait_for_exit()


def test_pipelined_requests_that_were_read_are_answered(serve):
    server = serve("sleeper")
    with server.connect() as connection:
        for number in range(3):
            connection.send(request_bytes(json_body={"seconds": 0.4, "name": number}))
        server.log.wait_for("^begun$")
        server.has_read_all_of(connection)

        server.send_signal(signal.SIGTERM)

        assert connection.receive().json()["name"] == 0
    server.wait_for_exit()


def test_requests_over_the_grace_are_503(serve):
    server = serve("sleeper", settings={"pool.grace": "500ms"})
    server.allow("grace", "drain", "running")
    with server.begin(seconds=60) as running, server.begin(seconds=0.2) as quick:
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert quick.receive().status == 200
        response = running.receive()
        assert (response.status, response.header("Lambda-Error")) == (503, "draining")
        assert response.closes
    server.wait_for_exit()
    assert 0.3 < time.monotonic() - began < 3


@pytest.mark.parametrize("lambda_", ["shutdown_hangs", "shutdown_blocks"])
def test_an_on_shutdown_that_never_ends_is_cut_off(serve, lambda_):
    server = serve(lambda_, workers=2, settings={"pool.shutdown_timeout": "500ms"})
    server.allow("onShutdown", "shutdown")
    server.post()

    began = time.monotonic()
    server.send_signal(signal.SIGTERM)
    server.wait_for_exit()

    assert 0.3 < time.monotonic() - began < 3
    assert len(server.log.find("^shutdown begun$")) == 2


@pytest.mark.parametrize(
    "deed, how", [("os._exit(7)", "exited with status 7"), ("ctypes.string_at(0)", "ended by signal 11 (SIGSEGV)")]
)
def test_an_on_shutdown_that_ends_its_worker_is_a_warning(serve, make_lambda, deed, how):
    server = serve(
        make_lambda(
            f"""
            import ctypes, os
            async def main(request):
                return {{}}
            class UserCtx:
                async def onShutdown(self):
                    {deed}
            """
        )
    )
    server.allow("^worker stopped$")

    server.stop()

    (stopped,) = server.log.find("^worker stopped$")
    assert (stopped.level, stopped["how"]) == ("warning", how)


def test_an_on_shutdown_that_raises_is_told_and_ends_the_stop(serve):
    server = serve("shutdown_raises")
    server.allow(".")

    server.stop()

    assert "cannot let go" in "\n".join(server.log.lines)


def test_a_second_term_stops_at_once(serve):
    server = serve("sleeper")
    server.allow(".")
    with server.begin(seconds=60) as running:
        server.send_signal(signal.SIGTERM)
        eventually(lambda: refuses_connections(server), within=2)
        began = time.monotonic()
        # A second one of the same moment would be the first.
        eventually(lambda: time.monotonic() - began > 0.2)
        server.send_signal(signal.SIGTERM)
        running.ends(within=3)
        # As a shell tells the end by a signal: 128 + 15.
        server.wait_for_exit(status=143)
    assert time.monotonic() - began < 3


def test_two_signals_to_stop_of_one_moment_are_one(serve):
    server = serve("sleeper")
    with server.begin(seconds=1) as running:
        server.send_signal(signal.SIGTERM)
        server.send_signal(signal.SIGINT)
        assert running.receive().status == 200
    server.wait_for_exit()


def test_a_term_while_a_stuck_lambda_runs_is_bounded(serve):
    server = serve(
        "blocks_loop", settings={"pool.grace": "500ms", "pool.shutdown_timeout": "500ms"}
    )
    server.allow(".")
    with server.begin(block=3600) as stuck:
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert stuck.receive().status == 503
    server.wait_for_exit()
    assert time.monotonic() - began < 4


def test_a_client_that_does_not_read_does_not_hold_up_the_stop(serve):
    server = serve("large_answer", settings={"pool.grace": "500ms", "server.write_timeout": "1h"})
    server.allow(".")
    with server.connect(receive_buffer=4096) as connection:
        connection.send(request_bytes(json_body={"bytes": 20 << 20}))
        server.has_read_all_of(connection)

        server.send_signal(signal.SIGTERM)

        server.wait_for_exit(within=6)


def test_a_stopped_worker_does_not_hold_up_the_stop(serve):
    server = serve("sleeper", settings={"pool.grace": "300ms", "pool.shutdown_timeout": "300ms"})
    server.allow(".")
    os.kill(server.worker(), signal.SIGSTOP)

    began = time.monotonic()
    server.send_signal(signal.SIGTERM)
    server.wait_for_exit()
    assert time.monotonic() - began < 4


def test_a_term_while_workers_start_ends_without_ado(serve, make_lambda):
    """The first worker is ready, a second one is stuck in its onStart when the signal comes."""
    folder = make_lambda(
        """
        import asyncio, os
        from luna_lambda_tools import logger

        class UserCtx:
            async def onStart(self):
                if os.path.exists(os.path.join(os.path.dirname(__file__), "slow")):
                    logger.info("starting slowly")
                    await asyncio.sleep(3600)

        async def main(request):
            return {}
        """
    )
    server = serve(folder)
    (folder / "slow").touch()
    server.send_signal(signal.SIGTTIN)
    server.log.wait_for("^starting slowly$")

    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 3


def test_requests_that_have_come_before_the_stop_are_answered(serve):
    """More than the loop reads in one turn: some are unread when the signal is seen."""
    count = 1500
    server = serve("sleeper", settings={"log.access": "false"})
    server.send_signal(signal.SIGSTOP)
    connections = [server.connect() for _ in range(count)]
    for connection in connections:
        connection.send(request_bytes(json_body={}))
    server.send_signal(signal.SIGTERM)
    server.send_signal(signal.SIGCONT)

    answered = 0
    for connection in connections:
        with contextlib.suppress(Closed, ConnectionError):
            answered += connection.receive().status == 200
        connection.close()

    assert answered == count
    server.wait_for_exit()


def test_with_a_delay_new_clients_are_served_until_it_is_over(serve):
    server = serve("sleeper", settings={"server.drain_delay": "1500ms"})
    kept = server.connect()
    assert not kept.request(json_body={}).closes
    began = time.monotonic()
    server.send_signal(signal.SIGTERM)
    server.log.wait_for("^stopping$")

    last = kept.request(json_body={"name": "kept"})
    assert (last.status, last.json()["name"], last.closes) == (200, "kept", True)
    with server.connect() as new:
        response = new.request(json_body={"name": "new"})
        assert (response.status, response.json()["name"], response.closes) == (200, "new", True)
    kept.close()

    server.wait_for_exit()
    assert time.monotonic() - began >= 1.5


def test_with_a_delay_the_time_for_running_requests_begins_after_it(serve):
    server = serve("sleeper", settings={"server.drain_delay": "500ms", "pool.grace": "10s"})
    with server.begin(seconds=1.5) as running:
        server.send_signal(signal.SIGTERM)
        assert running.receive().status == 200
    server.wait_for_exit()


def test_a_second_signal_ends_the_delay(serve):
    server = serve("sleeper", settings={"server.drain_delay": "1h"})
    server.allow("stopping at once")
    server.send_signal(signal.SIGTERM)
    server.log.wait_for("^stopping$")
    began = time.monotonic()
    # A second one of the same moment would be the first.
    eventually(lambda: time.monotonic() - began > 0.2)
    server.send_signal(signal.SIGTERM)
    server.wait_for_exit(status=143)
