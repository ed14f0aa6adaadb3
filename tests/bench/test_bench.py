"""That the benchmarks start, and that they count, compare and draw rightly. Nothing is measured here."""

import importlib.util
import json
import subprocess
import sys
import xml.etree.ElementTree
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import figures  # noqa: E402
import picture  # noqa: E402
import scenarios  # noqa: E402
from scenarios import Promise, Scenario  # noqa: E402

OURS, BASELINE = "lambdapool.1", "gunicorn+uvicorn.1"
SVG = "{http://www.w3.org/2000/svg}"


def program(name: str):
    loader = SourceFileLoader(f"program_{name}", str(HERE / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["/usr/bin/python3", *command], cwd=HERE, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("name", ["bench", "instructions", "soak", "start"])
def test_each_program_says_what_it_takes(name):
    done = run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--bin" in done.stdout or "--programs" in done.stdout


def test_an_unknown_scenario_is_refused_with_those_there_are():
    done = run("bench", "--only", "posts")
    assert done.returncode == 2
    assert "no scenario 'posts'; there are post, post128," in done.stderr


def test_programs_that_are_not_built_are_named(tmp_path):
    done = run("bench", "--bin", str(tmp_path))
    assert done.returncode == 1
    assert f"no lambdapool in {tmp_path}" in done.stderr or "bench needs wrk" in done.stderr


def rounds(*pairs):
    return [{OURS: {"cpu_ms": ours}, BASELINE: {"cpu_ms": theirs}} for ours, theirs in pairs]


def test_ratios_are_made_within_each_round_before_their_median():
    found = figures.summary(rounds((1, 2), (30, 40), (5, 1)))
    assert found[OURS]["cpu_ms"] == {"median": 5, "least": 1, "most": 30}
    assert found[f"{OURS} / {BASELINE}"]["cpu_ms"] == {"median": 0.75, "least": 0.5, "most": 5}


def test_a_figure_that_is_zero_somewhere_has_no_ratio():
    assert figures.summary(rounds((1, 2), (1, 0)))[f"{OURS} / {BASELINE}"] == {}


def test_what_is_compared_with_what():
    ours = ["lambdapool.1", "lambdapool.2", "lambdapool@2.1", "lambdapool+idle.1"]
    assert figures.compared([*ours, "gunicorn+uvicorn.1", "uwsgi.1", "uwsgi.2"]) == [
        ("lambdapool.1", "gunicorn+uvicorn.1"),
        ("lambdapool.2", "lambdapool.1"),
        ("lambdapool@2.1", "gunicorn+uvicorn.1"),
        ("lambdapool@2.1", "lambdapool.1"),
        ("lambdapool+idle.1", "lambdapool.1"),
    ]


@pytest.mark.parametrize(
    ("promise", "expected"),
    [
        (Promise(OURS, "x", 2.0), (2.0, True)),
        (Promise(OURS, "x", 2.01), (2.0, False)),
        (Promise(OURS, "x", 2.0, at_least=False), (2.0, True)),
        (Promise(OURS, "x", 1.99, at_least=False), (2.0, False)),
        (Promise(OURS, "x", 1.0, every_round=True), (1.0, True)),
        (Promise(OURS, "x", 1.01, every_round=True), (1.0, False)),
        (Promise(OURS, "x", 3.0, at_least=False, every_round=True), (3.0, True)),
        (Promise(OURS, "x", 2.99, at_least=False, every_round=True), (3.0, False)),
        (Promise(OURS, "y", 1.0), None),
        (Promise(BASELINE, "x", 1.0), None),
    ],
)
def test_a_promise_is_kept_up_to_its_bound(promise, expected):
    assert figures.kept(promise, {OURS: {"x": figures.spread([1.0, 2.0, 3.0])}}) == expected


@pytest.mark.parametrize(
    ("worker", "front", "wrk", "workers", "cores", "expected"),
    [
        (0.475, 0.015, 0.010, 2, 2, 1.9),  # 2 x 0.475 / 0.5
        (0.500, 0.0, 0.0, 2, 2, 2.0),
        (0.500, 0.1, 0.1, 2, 4, 2.0),  # Cores enough: the workers are the bound.
        (0.100, 0.05, 0.05, 2, 2, 1.0),
    ],
)
def test_the_ceiling_of_more_workers(worker, front, wrk, workers, cores, expected):
    one = {"worker_cpu_ms": worker, "front_cpu_ms": front, "wrk_cpu_ms": wrk}
    one = {name: figures.spread([value]) for name, value in one.items()}
    assert figures.ceiling(one, workers, cores) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (0.01234, "0.0123"), (0.999, "0.999"), (1.0, "1.00"), (12.34, "12.3"), (123.4, "123"), (4567.8, "4568")],
)
def test_figures_have_three_digits_or_all_before_the_point(value, expected):
    assert figures.shown(value) == expected


def test_the_table_has_a_row_for_each_server_and_ratio():
    scenario = Scenario("s", "what it is", workers=(1, 2))
    found = figures.summary([{OURS: {"cpu_ms": 1.0}, "lambdapool.2": {"cpu_ms": 2.0}, BASELINE: {"cpu_ms": 4.0}}])
    lines = figures.table(scenario, found).splitlines()
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert lines[0] == ["what it is", "CPU ms/request"]
    assert [line[0] for line in lines[2:]] == [
        "lambdapool x1",
        "lambdapool x2",
        "gunicorn+uvicorn x1",
        "lambdapool x1 / gunicorn+uvicorn x1",
        "lambdapool x2 / x1",
    ]
    assert lines[5][1] == "0.250 (0.250 to 0.250)"


def test_each_promise_is_in_the_table_of_promises_once():
    results = [(one, {}) for one in scenarios.SCENARIOS]
    lines = figures.promises_table(results).splitlines()[2:]
    assert len(lines) == sum(len(one.promises) for one in scenarios.SCENARIOS) > 10
    assert all("not measured" in line for line in lines)


def test_bodies_are_scenarios_of_any_size():
    (one,) = scenarios.named("up16384")
    assert (one.body_bytes, one.path, one.connections) == (16384, "/main", 16)
    (one,) = scenarios.named("down50m")
    assert (one.body_bytes, one.path, one.connections) == (0, "/bytes/50000000", 4)
    assert [one.name for one in scenarios.named("up")] == ["up1k", "up100k", "up1m", "up10m"]
    assert scenarios.named("up0") == scenarios.named("upwards") == []


def a_run(counts=(1, 2)):
    names = ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "requests_per_second")
    summary = {}
    for factor, peer in ((1, "lambdapool"), (4, "gunicorn+uvicorn"), (20, "a<b")):
        for count in counts:
            values = dict(zip(names, (0.4, 0.9, 2.0, 7.5, 40_000 * count / factor)))
            summary[f"{peer}.{count}"] = {
                name: figures.spread([value * 0.9, value, value * 1.1]) for name, value in values.items()
            }
    summary["lambdapool.1 / gunicorn+uvicorn.1"] = {}
    machine = {"cpu": "Some CPU", "cores": "2", "system": "Debian", "date": "2030-01-02", "load": "0.1"}
    return {
        "machine": {**machine, "wrk": "4.1.0-3"},
        "rounds": 3,
        "seconds": 2,
        "scenarios": {"post": {"text": "POST /main", "summary": summary}},
    }


def test_the_picture_names_every_server_the_machine_and_the_versions():
    root = xml.etree.ElementTree.fromstring(picture.draw(a_run()))
    words = " ".join(one.text or "" for one in root.iter(f"{SVG}text"))
    for wanted in ("lambdapool", "gunicorn+uvicorn", "a<b", "Some CPU", "2030-01-02", "wrk 4.1.0."):
        assert wanted in words
    for wanted in ("latency, ms", "p50 p90 p99 p99.9", "requests/s", "1 worker", "2 workers"):
        assert wanted in words


def test_the_bars_of_the_picture_are_as_high_as_the_throughput():
    root = xml.etree.ElementTree.fromstring(picture.draw(a_run()))
    bars = [one for one in root.iter(f"{SVG}rect") if float(one.get("height")) != 7 and "rx" not in one.attrib]
    heights = [float(one.get("height")) for one in bars]
    assert len(heights) == 6
    assert heights[0] / heights[1] == pytest.approx(4, rel=0.02)
    assert heights[3] / heights[0] == pytest.approx(2, rel=0.02)


def test_everything_in_the_picture_is_within_its_edges():
    for counts in ((1,), (1, 2), (1, 2, 4)):
        root = xml.etree.ElementTree.fromstring(picture.draw(a_run(counts)))
        width, height = float(root.get("width")), float(root.get("height"))
        for one in root.iter():
            if (x := one.get("x", one.get("cx"))) is not None and (y := one.get("y", one.get("cy"))) is not None:
                assert 0 <= float(x) <= width and 0 <= float(y) <= height, one.attrib


@pytest.mark.parametrize(("count", "good"), [(1030, True), (1031, False), (900, True)])
def test_instructions_may_grow_by_the_tolerance(tmp_path, capsys, count, good):
    recorded = tmp_path / "recorded.json"
    recorded.write_text(json.dumps({"made_with": {"g++": "12"}, "instructions": {"lambdapool": 1000}}))
    assert program("instructions").against({"lambdapool": count}, recorded, 0.03) is good
    assert ("MORE" in capsys.readouterr().out) is not good


def test_the_recorded_instructions_are_those_of_both_programs():
    recorded = json.loads((HERE / "instructions.json").read_text())
    assert set(recorded["instructions"]) == set(recorded["calls"]) == {"lambdapool", "lambdapool-worker"}
    assert recorded["made_with"] and (recorded["requests"], recorded["connections"]) == (3200, 32)


def test_the_work_of_the_cpu_scenarios_is_the_same_each_time():
    import work

    assert work.compute(1) == work.compute(1) > 0
    assert work.compute(10) == 10 * work.compute(1)
