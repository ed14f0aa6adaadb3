"""How metrics reach the supervisor: what is sent, when, and from which thread."""

import asyncio
import math
import os
import threading

import pytest
from luna_lambda_tools.private import metrics_sink
from luna_lambda_tools.private.start_failure import StartFailure
from luna_lambda_tools.public.metrics import user_metrics
from luna_lambda_tools.public.metrics.user_metrics import Counter, Gauge, Histogram, Summary, monitorLastActivity


@pytest.fixture
def sink(monkeypatch):
    """A sink of this test's own."""
    made = metrics_sink.Sink()
    monkeypatch.setattr(metrics_sink, "sink", made)
    return made


class Channel:
    """Collects frames, with the thread that sent each."""

    def __init__(self):
        self.frames = []
        self.threads = set()

    def metric(self, kind, name, help, labels, values):
        self.frames.append((kind, name, help, labels, values))
        self.threads.add(threading.get_ident())

    def take(self):
        frames, self.frames = self.frames, []
        return frames


def attached(run):
    """Runs `run(channel)` on a loop that the sink is attached to."""
    channel = Channel()

    async def body():
        metrics_sink.attach(channel, asyncio.get_running_loop())
        await run(channel)
        metrics_sink.detach()

    asyncio.run(body())
    return channel


async def turn():
    """Lets the loop do all that is due."""
    for _ in range(3):
        await asyncio.sleep(0)


def test_what_is_sent_is_what_was_added_since(sink):
    counter, gauge = Counter("c", "help c", ["a"]), Gauge("g", "help g")
    summary, histogram = Summary("s", ""), Histogram("h", "", buckets=[1, 2])
    metrics_sink.register([counter, gauge, summary, histogram], "id")

    async def run(channel):
        await turn()
        channel.take()
        for _ in range(2):
            counter.inc(2, {"a": "x"})
            gauge.inc(5)
            summary.observe(3)
            histogram.observe(1.5)
            histogram.observe(9)
            await turn()
        assert channel.take() == [
            ("counter", "c_total", "help c", [("a", "x")], [2.0]),
            ("gauge", "g", "help g", [], [5.0]),
            ("summary", "s", "", [], [1.0, 3.0]),
            ("histogram", "h", "", [], [2.0, 10.5, 1.0, 2.0, 0.0, 1.0, 1.0]),
            ("counter", "c_total", "help c", [("a", "x")], [2.0]),
            ("gauge", "g", "help g", [], [10.0]),
            ("summary", "s", "", [], [1.0, 3.0]),
            ("histogram", "h", "", [], [2.0, 10.5, 1.0, 2.0, 0.0, 1.0, 1.0]),
        ]

    attached(run)


def test_changes_of_one_turn_are_one_frame(sink):
    counter = Counter("c", "")
    metrics_sink.register([counter], "id")

    async def run(channel):
        await turn()
        channel.take()
        for _ in range(100):
            counter.inc()
        assert channel.frames == []
        await turn()
        assert [values for *_, values in channel.take()] == [[100.0]]
        await turn()
        assert channel.frames == []

    attached(run)


def test_what_was_counted_before_there_was_a_channel_is_sent(sink):
    counter = Counter("c", "")
    counter.inc(3)
    metrics_sink.register([counter], "id")
    counter.inc(4)
    assert attached(lambda channel: turn()).frames == [("counter", "c_total", "", [], [7.0])]


def test_what_was_counted_under_labels_before_registration_is_sent(sink):
    counter = Counter("c", "", ["a"])
    counter.inc(labels={"a": "x"})
    metrics_sink.register([counter], "id")
    assert attached(lambda channel: turn()).frames == [("counter", "c_total", "", [("a", "x")], [1.0])]


def test_metrics_without_labels_are_there_from_the_start_with_0(sink):
    metrics = [Counter("c", ""), Gauge("g", ""), Summary("s", ""), Histogram("h", "", buckets=[1]), Counter("l", "", ["a"])]
    metrics_sink.register(metrics, "id")
    assert attached(lambda channel: turn()).frames == [
        ("counter", "c_total", "", [], [0.0]),
        ("gauge", "g", "", [], [0.0]),
        ("summary", "s", "", [], [0.0, 0.0]),
        ("histogram", "h", "", [], [0.0, 0.0, 1.0, 0.0, 0.0]),
    ]


def test_metrics_that_are_not_registered_are_not_sent(sink):
    counter = Counter("c", "")

    async def run(channel):
        counter.inc()
        await turn()

    assert attached(run).frames == []
    assert counter.getValue() == 1


def test_the_end_sends_what_is_left(sink):
    counter = Counter("c", "")
    metrics_sink.register([counter], "id")

    async def run(channel):
        await turn()
        channel.take()
        counter.inc()

    assert attached(run).frames == [("counter", "c_total", "", [], [1.0])]
    counter.inc()
    assert attached(lambda channel: turn()).frames == [("counter", "c_total", "", [], [1.0])]


def test_other_threads_count_and_the_loops_thread_sends(sink):
    counter = Counter("c", "")
    metrics_sink.register([counter], "id")

    async def run(channel):
        await turn()
        channel.take()
        await asyncio.gather(*(asyncio.to_thread(lambda: [counter.inc() for _ in range(1000)]) for _ in range(4)))
        async with asyncio.timeout(10):
            while sum(values[0] for *_, values in channel.frames) < 4000:
                await asyncio.sleep(0)

    channel = attached(run)
    assert sum(values[0] for *_, values in channel.frames) == 4000
    assert channel.threads == {threading.get_ident()}


def test_a_frame_that_is_refused_does_not_hold_up_the_others(sink, caplog):
    metrics_sink.register([Counter("a", ""), Counter("b", "")], "id")

    class Refusing(Channel):
        def metric(self, kind, name, *rest):
            if name == "a_total":
                raise ValueError("no")
            super().metric(kind, name, *rest)

    channel = Refusing()

    async def body():
        metrics_sink.attach(channel, asyncio.get_running_loop())
        await turn()

    asyncio.run(body())
    assert [name for _, name, *_ in channel.frames] == ["b_total"]


def test_counting_after_the_loop_is_closed_raises_nothing(sink):
    counter = Counter("c", "")
    metrics_sink.register([counter], "id")
    loop = asyncio.new_event_loop()
    metrics_sink.attach(Channel(), loop)
    loop.close()
    counter.inc()
    assert counter.getValue() == 1


def test_a_forked_child_counts_for_itself_and_sends_nothing(sink):
    counter = Counter("c", "")
    metrics_sink.register([counter], "id")

    async def run(channel):
        await turn()
        channel.take()
        with metrics_sink.lock:  # as another thread may hold it at that moment
            child = os.fork()
        if child == 0:
            status = 1
            try:
                counter.inc()
                metrics_sink.sink.flush()
                status = 0 if not channel.frames and counter.getValue() == 1 else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        counter.inc()
        await turn()
        assert [values for *_, values in channel.take()] == [[1.0]]

    attached(run)


def test_a_lock_held_by_another_thread_at_the_fork_does_not_stop_the_child(sink):
    counter = Counter("c", "")
    held, release = threading.Event(), threading.Event()

    def hold():
        with metrics_sink.lock:
            held.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    child = os.fork()
    if child == 0:
        counter.inc()
        os._exit(0)
    release.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_finalizer_may_count_while_its_thread_counts(sink):
    counter = Counter("c", "", ["a"])

    class Value:
        def __str__(self):
            with metrics_sink.lock:
                counter.inc(labels={"a": "inner"})
            return "outer"

    with metrics_sink.lock:
        counter.inc(labels={"a": Value()})
    assert (counter.getValue({"a": "inner"}), counter.getValue({"a": "outer"})) == (1, 1)


def test_last_activity_is_shown_once_a_monitored_function_was_called(sink, monkeypatch):
    monkeypatch.setattr(user_metrics, "_last_activity", Gauge(metrics_sink.LAST_ACTIVITY, "when"))
    metrics_sink.register([], "id")

    @monitorLastActivity
    def work():
        pass

    async def run(channel):
        await turn()
        assert channel.frames == []
        work()
        work()
        await turn()

    ((kind, name, _, labels, (value,)),) = attached(run).frames
    assert (kind, name, labels) == ("gauge", "last_activity", [])
    assert value > 1_600_000_000


def test_registration_gives_the_lambdas_id(sink):
    counter = Counter("c", "")
    metrics_sink.register((counter,), "the-id")
    assert counter.lambdaId == "the-id"


@pytest.mark.parametrize(
    "metrics, texts",
    [
        (None, ["USER_METRICS is a NoneType; it must be a list"]),
        ({}, ["USER_METRICS is a dict; it must be a list"]),
        (Counter("a", ""), ["USER_METRICS is a Counter; it must be a list"]),
        ([5], ["USER_METRICS[0] is of type int; it must be a Counter, Gauge, Histogram or Summary"]),
        ([Counter], ["USER_METRICS[0] is the class Counter; it must be"]),
        ([Counter("request_count", "")], ['USER_METRICS[0]: the name "request_count" is taken by the host']),
        ([Counter("errors_count_total", "")], ['the name "errors_count_total" is taken by the host']),
        ([Histogram("requests", "")], ['the name "requests" is taken by the host']),
        ([Gauge("lambdapool_x", "")], ['the name "lambdapool_x" is taken by the host']),
        ([Gauge("last_activity", "")], ['the name "last_activity" is taken by the host']),
        ([Counter("a", ""), Counter("a", "")], ['[1]: "a" is shown as a_total, and so is USER_METRICS[0]']),
        ([Counter("a", ""), Counter("a_total", "")], ['"a_total" is shown as a_total, and so is USER_METRICS[0]']),
        ([Histogram("a", ""), Gauge("a_bucket", "")], ['"a_bucket" is shown as a_bucket, and so is USER_METRICS[0]']),
        ([Gauge("a_sum", ""), Summary("a", "")], ['"a" is shown as a_sum, and so is USER_METRICS[0]']),
        ([5, Gauge("a", ""), Gauge("a", "")], ["USER_METRICS[0] is", "USER_METRICS[2]:"]),
    ],
)
def test_what_cannot_be_registered_is_named_all_at_once(sink, metrics, texts):
    with pytest.raises(StartFailure) as caught:
        metrics_sink.register(metrics, "id")
    lines = caught.value.text.split("\n")
    assert len(lines) == len(texts)
    for line, text in zip(lines, texts):
        assert line.startswith("lambda_main.py: ") and text in line
    if isinstance(metrics, list):
        assert not [each for each in metrics if isinstance(each, Counter) and each.lambdaId]


def test_the_same_metric_listed_twice_is_refused(sink):
    counter = Counter("a", "")
    with pytest.raises(StartFailure) as caught:
        metrics_sink.register([counter, counter], "id")
    assert caught.value.text.endswith("USER_METRICS[0]; choose another name")


def test_a_counter_and_a_gauge_of_one_name_are_two_metrics(sink):
    metrics_sink.register([Counter("a", ""), Gauge("a", "")], "id")


def test_numbers_of_long_running_workers_stay_exact(sink):
    histogram = Histogram("h", "", buckets=[1])
    metrics_sink.register([histogram], "id")
    totals = [0.0, 0.0, 0.0, 0.0]

    async def run(channel):
        for index in range(200):
            histogram.observe(0.1 * index)
            await turn()
            for _, _, _, _, (count, sum_, _, low, high) in channel.take():
                totals[:] = [totals[0] + count, totals[1] + sum_, totals[2] + low, totals[3] + high]

    attached(run)
    assert totals == [200, pytest.approx(1990, rel=1e-12), 11, 189]
    assert math.isclose(histogram.getValue().sum, 1990)
