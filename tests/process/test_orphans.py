"""A supervisor that is killed leaves nothing behind."""

import os
import signal

import pytest

from support import processes
from support.http_client import Connection, request_bytes
from support.lambdapool import Lambdapool
from support.wait import eventually


def end_of_all(server: Lambdapool, within: float = 3.0) -> None:
    """Kills the supervisor and waits until no process of it is left."""
    family = [one.pid for one in processes.descendants(server.pid)]
    server.process.kill()
    server.process.wait()
    try:
        eventually(
            lambda: not [pid for pid in family if processes.exists(pid)], within, "no process left"
        )
    finally:
        server.kill()


def test_workers_end_with_their_supervisor(serve):
    server = serve("sleeper", workers=3)
    server.post({})

    end_of_all(server)


@pytest.mark.parametrize("lambda_", ["sleeper", "blocks_loop"])
def test_clients_see_the_end_of_their_connections(serve, lambda_):
    server = serve(lambda_, workers=2)
    connections: list[Connection] = []
    for _ in range(4):
        connections.append(server.connect())
        connections[-1].send(request_bytes(json_body={"seconds": 60, "block": 60}))
    server.log.wait_for("^begun$", count=2)
    idle = server.connect()

    end_of_all(server)

    for connection in (*connections, idle):
        connection.ends(within=2)
        connection.close()


def test_a_worker_that_was_stopped_ends_too(serve):
    server = serve("sleeper")
    os.kill(server.worker(), signal.SIGSTOP)

    end_of_all(server)


def test_a_worker_that_is_starting_ends_too(serve, make_lambda):
    folder = make_lambda(
        """
        import os, time
        from luna_lambda_tools import logger

        class UserCtx:
            async def onStart(self):
                if os.path.exists(os.path.join(os.path.dirname(__file__), "slow")):
                    logger.info("starting slowly")
                    time.sleep(3600)

        async def main(request):
            return {}
        """
    )
    server = serve(folder)
    (folder / "slow").touch()
    server.send_signal(signal.SIGTTIN)
    server.log.wait_for("^starting slowly$")

    end_of_all(server)


def test_the_port_is_free_for_the_next(serve):
    first = serve("echo")
    with first.connect() as connection:
        connection.request()
        end_of_all(first)

    second = serve("echo", "--port", str(first.address[1]))

    assert second.address == first.address
    assert second.post().status == 200
