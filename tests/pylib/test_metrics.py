"""A lambda's own metrics, as its author uses and tests them: no host is there."""

import asyncio
import inspect
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from luna_lambda_tools.private import metrics_sink
from luna_lambda_tools.public.metrics import user_metrics
from luna_lambda_tools.public.metrics.user_metrics import Counter, Gauge, Histogram, Summary, monitorLastActivity

PYLIB = Path(metrics_sink.__file__).resolve().parents[2]
KINDS = [Counter, Gauge, Histogram, Summary]


def test_a_counter_counts():
    counter = Counter("faces", "faces found")
    assert counter.getValue() == 0
    counter.inc()
    counter.inc(2.5)
    counter.inc(0)
    assert counter.getValue() == 3.5


def test_a_gauge_goes_up_and_down():
    gauge = Gauge("size", "size of it")
    gauge.set(10)
    gauge.inc()
    gauge.inc(2)
    gauge.dec()
    gauge.dec(0.5)
    assert gauge.getValue() == 11.5
    gauge.set(-math.inf)
    assert gauge.getValue() == -math.inf


def test_a_summary_has_count_and_sum():
    summary = Summary("size", "sizes")
    summary.observe(1)
    summary.observe(-3)
    assert summary.getValue() == user_metrics.SummaryValue(2, -2)


def test_a_histogram_counts_up_to_and_including_its_bounds():
    histogram = Histogram("size", "sizes", buckets=[1, 2])
    for amount in (0.5, 1, 1.5, 2, 2.1):
        histogram.observe(amount)
    value = histogram.getValue()
    assert (value.count, value.sum) == (5, pytest.approx(7.1))
    assert value.buckets == {1: 2, 2: 4, math.inf: 5}


def test_the_default_buckets_are_those_of_prometheus():
    assert Histogram("a", "").buckets == (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


def test_the_infinite_bucket_may_be_given():
    assert Histogram("a", "", buckets=[1, math.inf]).buckets == (1,)


@pytest.mark.parametrize("buckets", [[], [math.inf], [2, 1], [1, 1], [math.nan], [-math.inf, 1]])
def test_bad_buckets_are_refused(buckets):
    with pytest.raises(ValueError, match='"a": buckets'):
        Histogram("a", "", buckets=buckets)


def test_there_are_at_most_1000_buckets():
    assert len(Histogram("a", "", buckets=[*range(1000), math.inf]).buckets) == 1000
    with pytest.raises(ValueError, match='"a": 1001 buckets; at most 1000'):
        Histogram("a", "", buckets=range(1001))


def test_each_set_of_label_values_counts_for_itself():
    counter = Counter("faces", "", ["camera", "kind"])
    counter.inc(labels={"camera": "a", "kind": 1})
    counter.inc(2, {"kind": "1", "camera": "a"})
    counter.inc(labels={"camera": "b", "kind": None})
    assert counter.getValue({"camera": "a", "kind": "1"}) == 3
    assert counter.getValue({"camera": "b", "kind": "None"}) == 1
    assert counter.getValue({"camera": "c", "kind": "1"}) == 0


def test_every_kind_takes_labels():
    labels = {"a": "b"}
    gauge, summary, histogram = Gauge("g", "", ["a"]), Summary("s", "", ["a"]), Histogram("h", "", ["a"])
    gauge.set(1, labels)
    gauge.dec(labels=labels)
    summary.observe(1, labels)
    histogram.observe(1, labels)
    assert (gauge.getValue(labels), summary.getValue(labels).count, histogram.getValue(labels).count) == (0, 1, 1)


@pytest.mark.parametrize(
    "names, labels, text",
    [
        (["a"], None, "labels missing: a (its labels: a)"),
        (["a", "b"], {"a": 1}, "labels missing: b (its labels: a, b)"),
        (["a"], {"a": 1, "c": 1}, "labels unknown: c (its labels: a)"),
        (["a", "b"], {"c": 1}, "labels missing: a, b; unknown: c (its labels: a, b)"),
        ([], {"c": 1}, "labels unknown: c (its labels: none)"),
        (["a"], ["a"], "labels is a list; it must be a dict"),
    ],
)
def test_labels_that_do_not_fit_are_named(names, labels, text):
    counter = Counter("faces", "", names)
    with pytest.raises(ValueError) as caught:
        counter.inc(labels=labels)
    assert str(caught.value) == f'metric "faces": {text}'


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", "ä", "a\n", None, 5])
def test_names_that_are_none_are_refused(kind, name):
    with pytest.raises(ValueError, match="is no name for a metric"):
        kind(name, "")


@pytest.mark.parametrize("name", ["a", "_a", "a:b", "A9_"])
def test_names_that_are_allowed(name):
    assert Counter(name, "").name == name


@pytest.mark.parametrize("label", ["", "1a", "a-b", "a:b", "ä", 5, None])
def test_label_names_that_are_none_are_refused(label):
    with pytest.raises(ValueError, match="is no name for a label"):
        Counter("a", "", [label])


@pytest.mark.parametrize(
    "kind, label", [(Counter, "__a"), (Gauge, "lambda_id"), (Histogram, "le"), (Summary, "quantile")]
)
def test_reserved_label_names_are_refused(kind, label):
    with pytest.raises(ValueError, match=f'"{label}" is reserved'):
        kind("a", "", [label])


def test_labels_of_other_kinds_are_free():
    assert Counter("a", "", ["le", "quantile"]).labelNames == ("le", "quantile")


def test_label_names_given_twice_or_as_a_text_are_refused():
    with pytest.raises(ValueError, match="given twice: a, a"):
        Counter("a", "", ["a", "a"])
    with pytest.raises(ValueError, match="write \\['ab'\\]"):
        Counter("a", "", "ab")


@pytest.mark.parametrize("amount", [-1, -0.001])
def test_a_counter_refuses_to_shrink(amount):
    counter = Counter("a", "")
    with pytest.raises(ValueError, match=f"{amount} is negative; a counter only grows, use a Gauge"):
        counter.inc(amount)
    assert counter.getValue() == 0


@pytest.mark.parametrize("amount", [math.nan, math.inf])
def test_what_cannot_be_added_up_is_refused(amount):
    for add in (Counter("a", "").inc, Gauge("a", "").inc, Summary("a", "").observe, Histogram("a", "").observe):
        with pytest.raises(ValueError, match="cannot be added up"):
            add(amount)


@pytest.mark.parametrize("amount", ["1", b"1", None, [], 10**400])
def test_what_is_no_number_is_refused(amount):
    for add in (Counter("a", "").inc, Gauge("a", "").set, Summary("a", "").observe, Histogram("a", "").observe):
        with pytest.raises(TypeError, match='metric "a": .* is no number'):
            add(amount)


def test_a_label_value_that_utf_8_cannot_hold_is_replaced():
    counter = Counter("a", "", ["x"])
    counter.inc(labels={"x": "\ud800"})
    assert counter.getValue({"x": "?"}) == 1


def test_counting_in_many_threads_loses_nothing():
    counter, histogram = Counter("a", ""), Histogram("b", "", buckets=[1])
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: [(counter.inc(), histogram.observe(1)) for _ in range(5000)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert counter.getValue() == 20000
    assert histogram.getValue().buckets == {1: 20000, math.inf: 20000}


def test_signatures_are_lunas():
    def parameters(function):
        return list(inspect.signature(function).parameters)

    assert [parameters(kind) for kind in (Counter, Gauge, Summary)] == [["name", "description", "labelNames"]] * 3
    assert parameters(Histogram) == ["name", "description", "labelNames", "buckets"]
    assert parameters(Counter.inc) == parameters(Gauge.inc) == parameters(Gauge.dec) == ["self", "amount", "labels"]
    assert parameters(Gauge.set) == ["self", "value", "labels"]
    assert parameters(Histogram.observe) == parameters(Summary.observe) == ["self", "amount", "labels"]
    assert Counter("a", "").lambdaId is None
    assert all(callable(kind.initialize) for kind in KINDS)


def test_metrics_work_in_a_process_without_a_host():
    code = (
        "from luna_lambda_tools.public.metrics import Counter\n"
        "c = Counter('a', ''); c.initialize('x'); c.inc(); print(c.getValue(), c.lambdaId)"
    )
    environment = {**os.environ, "PYTHONPATH": str(PYLIB)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout == "1.0 x\n"


@pytest.fixture
def last_activity(monkeypatch):
    """The gauge, as new."""
    monkeypatch.setattr(user_metrics, "_last_activity", Gauge(metrics_sink.LAST_ACTIVITY, ""))
    monkeypatch.setattr(metrics_sink, "sink", metrics_sink.Sink())
    return lambda: user_metrics._last_activity.getValue()


def test_a_call_of_a_monitored_function_is_activity(last_activity):
    @monitorLastActivity
    def work(a, b=1):
        """Works."""
        assert last_activity() >= before
        user_metrics._last_activity.set(0)
        return a + b

    assert last_activity() == 0
    before = time.time()
    assert work(1, b=2) == 3
    assert before <= last_activity() <= time.time()
    assert (work.__name__, work.__doc__) == ("work", "Works.")


def test_a_call_of_a_monitored_coroutine_function_is_activity(last_activity):
    @monitorLastActivity
    async def work():
        assert last_activity() > 0
        await asyncio.sleep(0)
        user_metrics._last_activity.set(0)
        raise LookupError

    assert inspect.iscoroutinefunction(work)
    call = work()
    assert last_activity() == 0
    with pytest.raises(LookupError):
        asyncio.run(call)
    assert last_activity() > 0


def test_a_monitored_method_is_a_method(last_activity):
    class Worker:
        @monitorLastActivity
        async def work(self, value):
            return self, value

    worker = Worker()
    assert asyncio.run(worker.work(1)) == (worker, 1)
