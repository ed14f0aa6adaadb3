"""What is measured, and what is promised about it."""

import dataclasses
import re
from dataclasses import dataclass

from servers import BASELINE, OURS

KB, MB = 1000, 1_000_000


@dataclass(frozen=True)
class Promise:
    """A bound of a figure of one row of a scenario's table; in every round, or of the median."""

    row: str
    figure: str
    bound: float
    at_least: bool = True
    every_round: bool = False


@dataclass(frozen=True)
class Scenario:
    """One kind of load, and what is run under it."""

    name: str
    text: str
    handler: str = "main"
    path: str = "/main"
    body_bytes: int | None = None  # None: the manual's request; 0: GET.
    answer_bytes: int = 0  # Of what is asked for by GET.
    connections: int = 32
    workers: tuple[int, ...] = (1,)
    one_core: bool = False  # Servers and wrk share one.
    peers: tuple[str, ...] = (OURS, BASELINE)
    ideal: float | None = None  # Requests a second that nothing can exceed.
    more_seconds: int = 0  # For wrk, which takes a while to open many connections.
    idle: int = 0  # Connections that do nothing, beside a row without them.
    promises: tuple[Promise, ...] = ()


ONE = f"{OURS}.1 / {BASELINE}.1"
TWO_OVER_ONE = f"{OURS}.2 / {OURS}.1"
IDLE = f"{OURS}+idle.1"

# Of CPU per request, beside uvicorn.
BODY_BOUNDS = {
    ("up", 1 * KB): 0.6,
    ("up", 100 * KB): 0.5,
    ("up", 1 * MB): 0.6,
    ("up", 10 * MB): 0.6,
    ("down", 50 * MB): 1.0,
}
BODY_CONNECTIONS = {1 * KB: 32, 100 * KB: 16, 1 * MB: 8, 10 * MB: 4, 50 * MB: 4}


def body_scenario(name: str) -> Scenario | None:
    """up1k, up16384, down50m, ...: a POST of a body whose length is returned, or a GET of one. None for other names.

    Of servers and wrk on one core, where CPU per request is steadiest.
    """
    found = re.fullmatch(r"(up|down)(\d+)([km]?)", name)
    if not found or not int(found[2]):
        return None
    way, size = found[1], int(found[2]) * {"": 1, "k": KB, "m": MB}[found[3]]
    promises = []
    if (way, size) in BODY_BOUNDS:
        promises.append(Promise(ONE, "cpu_ms", BODY_BOUNDS[way, size], at_least=False))
    if name == "up10m":
        promises.append(Promise(ONE, "peak_mb", 0.7, at_least=False))
    connections = BODY_CONNECTIONS.get(size, 16)
    words = f"{found[2]} {dict(k='KB', m='MB').get(found[3], 'bytes')}"
    return Scenario(
        name,
        f"{'POST' if way == 'up' else 'GET'} of {words}, {connections} connections, all on one core",
        handler="bodies",
        one_core=True,
        path="/main" if way == "up" else f"/bytes/{size}",
        body_bytes=size if way == "up" else 0,
        answer_bytes=size if way == "down" else 0,
        connections=connections,
        promises=tuple(promises),
    )


TWO_WORKERS_PROMISE = Promise(TWO_OVER_ONE, "requests_per_second", 1.9, every_round=True)


def _cpu(name: str, text: str, connections: int, *more: Promise) -> Scenario:
    promises = (Promise(ONE, "requests_per_second", 0.95), *more)
    text = f"{text}, {connections} connections"
    return Scenario(name, text, name, connections=connections, workers=(1, 2), promises=promises)


SCENARIOS = (
    Scenario(
        "post",
        "POST /main, 32 connections",
        workers=(1, 2),
        peers=(OURS, BASELINE, "uwsgi", "gunicorn+aiohttp"),
        promises=(
            Promise(ONE, "requests_per_second", 1.5),
            Promise(TWO_OVER_ONE, "requests_per_second", 1.0),
        ),
    ),
    Scenario(
        "post128",
        "POST /main, 128 connections",
        connections=128,
        promises=(Promise(ONE, "requests_per_second", 1.8),),
    ),
    Scenario(
        "onecore",
        "POST /main, 32 connections, servers and wrk on one core",
        one_core=True,
        promises=(Promise(ONE, "cpu_ms", 0.55, at_least=False),),
    ),
    Scenario(
        "single",
        "POST /main, 1 connection, servers and wrk on one core",
        connections=1,
        one_core=True,
        promises=(Promise(ONE, "requests_per_second", 0.9),),
    ),
    Scenario(
        "sleep200",
        "await sleep(0.05), 200 connections",
        "sleep",
        connections=200,
        ideal=4000,
        promises=(Promise(f"{OURS}.1", "of_ideal", 0.95),),
    ),
    Scenario(
        "sleep1000",
        "await sleep(0.05), 1000 connections",
        "sleep",
        connections=1000,
        ideal=20000,
        more_seconds=5,
        promises=(Promise(f"{OURS}.1", "of_ideal", 0.90),),
    ),
    _cpu("cpu", "half a millisecond of Python", 32),
    # Few connections: what is running at the end of a turn does not count.
    _cpu("cpu2", "two milliseconds of Python", 8, TWO_WORKERS_PROMISE),
    *filter(None, map(body_scenario, "up1k up100k up1m up10m down1k down100k down1m down10m down50m".split())),
    Scenario(
        "idle",
        "POST /main, 32 connections, without and beside idle ones",
        idle=10_000,
        promises=(
            Promise(IDLE, "bytes_each", 4096, at_least=False),
            Promise(f"{IDLE} / {OURS}.1", "requests_per_second", 0.95),
        ),
    ),
)


def named(name: str) -> list[Scenario]:
    """The scenarios of that name; `up` and `down` are all of theirs."""
    found = [one for one in SCENARIOS if one.name == name or re.fullmatch(rf"{re.escape(name)}\d+[km]", one.name)]
    if not found and (other := body_scenario(name)):
        found = [other]
    return found


def with_workers(scenario: Scenario, workers: tuple[int, ...]) -> Scenario:
    """Those that compare numbers of workers compare these instead."""
    return dataclasses.replace(scenario, workers=workers) if len(scenario.workers) > 1 else scenario
