"""Monitoring: the line protocol, points of a lambda's own, the buffer and its writer, the series of requests."""

import asyncio
import math
import threading
from collections import deque
from datetime import datetime, timezone
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import pytest
from luna_lambda_tools.private import log, monitoring
from luna_lambda_tools.private.monitoring import line_protocol, writer
from luna_lambda_tools.private.monitoring.line_protocol import PointError, line_of
from luna_lambda_tools.private.monitoring.point import line_of_point, unique_ns
from luna_lambda_tools.public.monitoring import CustomMonitoringPoint


class Match(CustomMonitoringPoint):
    series = "matches"


@pytest.fixture(autouse=True)
def off_afterwards():
    yield
    monitoring.configure(None, "", None)
    if "service" in vars(CustomMonitoringPoint):
        del CustomMonitoringPoint.service


# ---------------------------------------------------------------------- the line protocol


@pytest.mark.parametrize(
    "name, written",
    [
        ("requests", b"requests"),
        ("a,b c", rb"a\,b\ c"),
        ("a=b", b"a=b"),
        ('a"b', b'a"b'),
        ("a\\b", rb"a\b"),
        ("a\\", b"a"),
        ("a\\\\", b"a"),
        ("a\nb\r\tc", rb"a\nb\r\tc"),
        ("é\U0001f600", "é\U0001f600".encode()),
        ("\ud800", b"?"),
    ],
)
def test_a_measurement_is_escaped(name, written):
    assert line_of(name, {}, {"f": 1}, 5) == written + b" f=1i 5"


@pytest.mark.parametrize("name", ["", "\\", "#comment", 5, None])
def test_a_measurement_that_cannot_be(name):
    with pytest.raises(PointError):
        line_of(name, {}, {"f": 1}, 5)


@pytest.mark.parametrize(
    "key, value, written",
    [
        ("t", "v", b",t=v"),
        ("t", "a,b c=d", rb",t=a\,b\ c\=d"),
        ("a,b c=d", "v", rb",a\,b\ c\=d=v"),
        ("t", 'q"q', b',t=q"q'),
        ("t", "a\\b", rb",t=a\b"),
        ("t", "a\\", b",t=a"),
        ("t\\", "a", b",t=a"),
        ("t", "a\\,b", rb",t=a\\,b"),
        ("t", "one\ntwo\r", rb",t=one\ntwo\r"),
        ("t", 5, b",t=5"),
        ("t", 2.5, b",t=2.5"),
        ("t", True, b",t=true"),
        ("t", None, b""),
        ("t", "", b""),
        ("t", "\\", b""),
        ("t", "\ud800x", b",t=?x"),
        ("t", Fraction(1, 2), b",t=1/2"),
    ],
)
def test_a_tag_is_escaped(key, value, written):
    assert line_of("m", {key: value}, {"f": 1}, 5) == b"m" + written + b" f=1i 5"


@pytest.mark.parametrize(
    "value, written",
    [
        (1, b"f=1i"),
        (-(2**63), b"f=-9223372036854775808i"),
        (2**63 - 1, b"f=9223372036854775807i"),
        (True, b"f=true"),
        (False, b"f=false"),
        (1.5, b"f=1.5"),
        (1.0, b"f=1.0"),
        (1e-7, b"f=1e-07"),
        (1e22, b"f=1e+22"),
        (Decimal("0.25"), b"f=0.25"),
        (Fraction(1, 4), b"f=0.25"),
        ("", b'f=""'),
        ("a b,c=d", b'f="a b,c=d"'),
        ('a"b', rb'f="a\"b"'),
        ("a\\b", rb'f="a\\b"'),
        ("a\\", rb'f="a\\"'),
        ("a\nb\r", rb'f="a\\nb\\r"'),
        ("\ud800", b'f="?"'),
    ],
)
def test_a_field_is_written_by_its_type(value, written):
    assert line_of("m", {}, {"f": value}, 5) == b"m " + written + b" 5"


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, Decimal("NaN")])
def test_a_field_without_a_value_is_left_out(value):
    assert line_of("m", {}, {"a": value, "b": 2}, 5) == b"m b=2i 5"
    with pytest.raises(PointError, match="has no field with a value"):
        line_of("m", {}, {"a": value}, 5)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, [], {}, b"x", object(), 1j])
def test_a_field_that_cannot_be_is_named(value):
    with pytest.raises(PointError, match="the field 'a'"):
        line_of("m", {}, {"a": value}, 5)


@pytest.mark.parametrize("tags, fields", [({"": 1}, {"f": 1}), ({}, {"": 1}), ({5: 1}, {"f": 1}), ({}, {5: 1}), ({"t": []}, {"f": 1})])
def test_names_are_text(tags, fields):
    with pytest.raises(PointError):
        line_of("m", tags, fields, 5)


def test_tags_are_sorted_and_fields_keep_their_order():
    assert line_of("m", {"b": 1, "a": 2}, {"z": 1, "y": 2}, -5) == b"m,a=2,b=1 z=1i,y=2i -5"


def test_a_line_has_a_length():
    room = line_protocol.LONGEST_LINE - len(b'm f="" 5')
    assert len(line_of("m", {}, {"f": "x" * room}, 5)) == line_protocol.LONGEST_LINE
    with pytest.raises(PointError, match="bytes long"):
        line_of("m", {}, {"f": "x" * (room + 1)}, 5)


# ---------------------------------------------------------------------- points


def test_a_point_has_the_service_its_tags_and_fields():
    CustomMonitoringPoint.initialize("lambda-x")
    point = Match({"list": "staff"}, {"similarity": 0.5})
    assert (point.series, point.service) == ("matches", "lambda-x")
    assert (point.tags, point.fields) == ({"service": "lambda-x", "list": "staff"}, {"similarity": 0.5})
    assert abs(point.eventTime - datetime.now(timezone.utc).timestamp()) < 60
    assert line_of_point(point) == f"matches,list=staff,service=lambda-x similarity=0.5 {point._ns}".encode()


def test_a_class_can_have_a_service_of_its_own():
    class Other(CustomMonitoringPoint):
        series = "o"

    CustomMonitoringPoint.initialize("lambda-x")
    Other.initialize("mine")
    assert (Other({}, {}).service, Match({}, {}).service) == ("mine", "lambda-x")


def test_no_two_points_have_one_time():
    times = [unique_ns() for _ in range(1000)]
    assert len(set(times)) == 1000
    assert times == sorted(times)


@pytest.mark.parametrize(
    "moment, ns",
    [
        (5, b"5000000000"),
        (1700000000.25, b"1700000000250000000"),
        (-1.5, b"-1500000000"),
        (datetime(2023, 11, 14, 22, 13, 20, 500000, timezone.utc), b"1700000000500000000"),
    ],
)
def test_the_time_of_a_point_can_be_ones_own(moment, ns):
    class Late(Match):
        eventTime = moment

    assert line_of_point(Late({}, {"f": 1})).rpartition(b" ")[2] == ns


@pytest.mark.parametrize("moment", ["now", None, True, math.nan, math.inf, 1e12, []])
def test_a_time_that_is_none_is_told(moment):
    class Late(Match):
        eventTime = moment

    with pytest.raises(PointError, match="eventTime"):
        line_of_point(Late({}, {"f": 1}))


@pytest.mark.parametrize("thing", [Match, {}, None, "x", CustomMonitoringPoint({}, {"f": 1})])
def test_what_is_no_point_is_told(thing):
    with pytest.raises(PointError):
        line_of_point(thing)


# ---------------------------------------------------------------------- the writer


class Library:
    """A stand-in for aiohttp whose writes end as `script` says: a status, an exception, or "hang"."""

    class ClientError(Exception):
        pass

    def __init__(self, *script):
        self.script = deque(script)
        self.bodies = []
        self.requests = []
        self.hung = asyncio.Event()
        self.closed = 0
        self.written = asyncio.Event()

    def ClientTimeout(self, total):
        return total

    def TCPConnector(self, limit):
        return None

    DummyCookieJar = staticmethod(lambda: None)

    def ClientSession(self, **_):
        async def close():
            self.closed += 1

        return SimpleNamespace(post=self._post, close=close)

    def _post(self, url, data, headers, timeout, allow_redirects):
        assert not allow_redirects
        self.requests.append((url, headers, timeout))
        return _Exchange(self, data, timeout)

    @property
    def lines(self):
        return [line for body in self.bodies for line in body.split(b"\n")]


class _Exchange:
    def __init__(self, library, data, timeout):
        self.library, self.data, self.timeout = library, data, timeout

    async def __aenter__(self):
        library = self.library
        outcome = library.script.popleft() if library.script else 204
        if outcome == "hang":
            library.hung.set()
            async with asyncio.timeout(self.timeout):
                await asyncio.Event().wait()
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome < 300:
            library.bodies.append(self.data)
            library.written.set()

        async def read(_):
            return b"because"

        return SimpleNamespace(status=outcome, content=SimpleNamespace(read=read))

    async def __aexit__(self, *_):
        pass


SETTINGS = {"url": "http://i:1/", "organization": "o r", "bucket": "b&b", "token": "T", "flush_period": 0.01, "timeout": 5.0}


@pytest.fixture
def lines_of_log():
    found = []
    log.install(lambda level, request_id, text: found.append((level, text)), "info")
    yield found
    log.uninstall()


def with_writer(library, test, **settings):
    """Runs test(writer) on a loop."""

    async def run():
        target = writer.Writer(writer.Settings(**{**SETTINGS, **settings}), asyncio.get_running_loop(), library)
        async with asyncio.timeout(20):
            await test(target)
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "lambdapool monitoring"]

    asyncio.run(run())


def fill(target, count, first=0):
    for number in range(first, first + count):
        target.add(b"%d" % number)


def numbers(count, first=0):
    return [b"%d" % number for number in range(first, first + count)]


@pytest.fixture
def quick(monkeypatch):
    """Pauses after failures take no time."""
    monkeypatch.setattr(writer, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(writer, "_LONGEST_PAUSE", 0.001)


def test_points_are_written_in_order_and_in_batches():
    library = Library()

    async def test(target):
        fill(target, 25)
        while len(library.lines) < 25:
            await library.written.wait()
            await asyncio.sleep(0)
        await target.close(1)

    with_writer(library, test, batch=10)
    assert library.lines == numbers(25)
    assert [len(body.split(b"\n")) for body in library.bodies] == [10, 10, 5]
    url, headers, timeout = library.requests[0]
    assert url == "http://i:1/api/v2/write?org=o+r&bucket=b%26b&precision=ns"
    assert headers == {"Content-Type": "text/plain; charset=utf-8", "Authorization": "Token T"}
    assert timeout == 5.0
    assert library.closed == 1


def test_a_database_is_influxdb_1_and_no_token_is_no_header():
    library = Library()

    async def test(target):
        fill(target, 1)
        await target.close(1)

    with_writer(library, test, bucket="", database="d", token="", url="http://i:1/behind")
    assert library.requests[0][0] == "http://i:1/behind/write?db=d&precision=ns"
    assert "Authorization" not in library.requests[0][1]


def test_a_full_batch_is_written_at_once():
    library = Library()

    async def test(target):
        fill(target, 1)
        await asyncio.sleep(0)
        fill(target, 1, 1)
        await library.written.wait()
        await target.close(1)

    with_writer(library, test, batch=2, flush_period=3600.0)
    assert library.bodies == [b"0\n1"]


def test_what_waits_is_written_at_the_end():
    library = Library()

    async def test(target):
        fill(target, 3)
        await target.close(1)
        target.add(b"late")
        await asyncio.sleep(0.02)

    with_writer(library, test, flush_period=3600.0)
    assert library.bodies == [b"0\n1\n2"]


@pytest.mark.parametrize("failure", [500, 503, 429, 408, Library.ClientError("refused"), OSError("down"), TimeoutError()])
def test_a_failed_write_is_tried_again_and_told_once(failure, quick, lines_of_log):
    library = Library(failure, failure, failure)

    async def test(target):
        fill(target, 2)
        await library.written.wait()
        await target.close(1)

    with_writer(library, test)
    assert library.bodies == [b"0\n1"]
    assert [level for level, _ in lines_of_log] == ["warning", "info"]
    assert lines_of_log[0][1].startswith("monitoring: http://i:1/ takes no points, 2 wait: ")
    assert lines_of_log[1][1] == "monitoring: http://i:1/ takes points again"


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413])
def test_what_is_refused_is_dropped_and_the_reason_told(status, lines_of_log):
    library = Library(status)

    async def test(target):
        fill(target, 2)
        while target._lines or not library.requests:
            await asyncio.sleep(0.001)
        fill(target, 1, 2)
        await library.written.wait()
        await target.close(1)

    with_writer(library, test)
    assert library.bodies == [b"2"]
    assert lines_of_log == [
        ("warning", f"monitoring: http://i:1/ refuses points, 2 are dropped: it answered {status} because")
    ]


def test_the_oldest_points_make_room_and_are_counted(quick, lines_of_log):
    library = Library(*[503] * 3)

    async def test(target):
        fill(target, 30)
        assert len(target._lines) == 10
        await library.written.wait()
        await target.close(1)

    with_writer(library, test, buffer=10)
    assert library.lines == numbers(10, 20)
    assert ("warning", "monitoring: 20 points were dropped for want of room") in lines_of_log


def test_a_batch_that_comes_back_makes_no_more_than_the_buffer():
    library = Library("hang")

    async def test(target):
        fill(target, 10)
        await library.hung.wait()
        fill(target, 10, 10)
        while not target._failing:
            await asyncio.sleep(0.001)
        assert len(target._lines) == 10
        assert target._bytes == sum(map(len, target._lines))
        await target.close(1)

    with_writer(library, test, buffer=10, batch=10, timeout=0.05)
    assert library.lines == numbers(10, 10)


def test_the_buffer_has_a_size_in_bytes(monkeypatch):
    monkeypatch.setattr(writer, "_MAX_BYTES", 100)

    async def test(target):
        for _ in range(50):
            target.add(b"x" * 10)
        assert len(target._lines) == 10
        await target.close(1)

    with_writer(Library(), test)


@pytest.mark.parametrize("script", [["hang"], [503], [OSError("down")]])
def test_the_end_takes_no_longer_than_it_may(script, lines_of_log):
    library = Library(*script)

    async def test(target):
        fill(target, 3)
        began = asyncio.get_running_loop().time()
        await target.close(0.2)
        assert asyncio.get_running_loop().time() - began < 5

    with_writer(library, test, flush_period=3600.0)
    assert library.bodies == []
    assert lines_of_log[-1] == ("warning", "monitoring: 3 points could not be written and are lost")


def test_a_write_that_is_under_way_at_the_end_is_done_again():
    library = Library("hang")

    async def test(target):
        fill(target, 3)
        await library.hung.wait()
        await target.close(5)

    with_writer(library, test)
    assert library.bodies == [b"0\n1\n2"]


def test_a_lambda_that_cancels_all_tasks_does_not_end_the_writing():
    library = Library()

    async def test(target):
        fill(target, 1)
        await library.written.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        library.written.clear()
        fill(target, 1, 1)
        await library.written.wait()
        await target.close(1)

    with_writer(library, test)
    assert library.lines == numbers(2)


def test_points_of_other_threads_are_written():
    library = Library()

    async def test(target):
        threads = [threading.Thread(target=fill, args=(target, 100, 100 * number)) for number in range(4)]
        for thread in threads:
            thread.start()
        while len(library.lines) < 400:
            await asyncio.sleep(0.001)
        for thread in threads:
            thread.join()
        await target.close(1)

    with_writer(library, test, batch=30)
    assert sorted(map(int, library.lines)) == list(range(400))


# ---------------------------------------------------------------------- in the host

LAMBDA = """
import asyncio, os
from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest, UserException
from luna_lambda_tools.public.monitoring import CustomMonitoringPoint

class Match(CustomMonitoringPoint):
    series = "matches"

class Refused(UserException):
    statusCode = 403
    errorText = "no"

class Item(LambdaUserHandler):
    route = "/items/<id:int>"
    async def get(self, id):
        self.addDataForMonitoring(tags={"kind": "a b", "route": "mine"}, fields={"size": id})
        return self.sendResponse(404 if id == 4 else 200)
    async def post(self, id):
        async with self.stream() as stream:
            await stream.send(b"x")
            if id:
                raise ValueError("broken")

ROUTES_TO_ADD = [Item]

async def main(request: StandaloneLambdaRequest):
    what = request.json
    if what == "raise":
        1 / 0
    if what == "refuse":
        raise Refused
    if what == "point":
        request.sendToMonitoring([Match({"l": "s"}, {"v": 1}), Match({}, {"v": 2})])
        request.sendToMonitoring(Match({}, {"v": 3}))
    if what == "bad":
        request.sendToMonitoring([Match({}, {}), 5, Match({}, {"v": [1]}), Match({}, {"v": 4})])
    if what == "fork":
        child = os.fork()
        if child == 0:
            request.sendToMonitoring([Match({}, {"v": 5})])
            os._exit(0)
        os.waitpid(child, 0)
    return {}
"""
ON = '{"monitoring": {"url": "http://i:1", "organization": "o", "bucket": "b"}}'


@pytest.fixture
def points(monkeypatch):
    """What is handed to the writer."""
    found = []
    monkeypatch.setattr(writer.Writer, "add", lambda self, line: found.append(line.decode()))
    return found


def parts(line):
    """(series, tags, fields, time) of a line without escapes."""
    head, fields, moment = line.rsplit(" ", 2)
    series, *tags = head.split(",")
    return series, dict(tag.split("=", 1) for tag in tags), dict(field.split("=", 1) for field in fields.split(",")), int(moment)


@pytest.mark.parametrize(
    "method, path, body, route, status, code",
    [
        ("POST", b"/main", b"1", "POST:/main", 200, None),
        ("POST", b"/main", b'"raise"', "POST:/main", 500, 42004),
        ("POST", b"/main", b'"refuse"', "POST:/main", 403, 42004),
        ("POST", b"/main", b"{", "POST:/main", 400, 12002),
        ("GET", b"/items/7", b"", "GET:/items/<id:int>", 200, None),
        ("GET", b"/items/4", b"", "GET:/items/<id:int>", 404, None),
        ("POST", b"/items/0", b"", "POST:/items/<id:int>", 200, None),
        ("POST", b"/items/1", b"", "POST:/items/<id:int>", 200, 42004),
        ("PUT", b"/items/1", b"", "PUT:/items/<id:int>", 405, 12021),
        ("GET", b"/healthcheck", b"", "GET:/healthcheck", 200, None),
        ("GET", b"/no/such", b"", "GET:<none>", 404, 12013),
    ],
)
def test_each_request_is_a_point_and_each_failure_one_more(hosted, points, method, path, body, route, status, code):
    async def drive(channel):
        number = channel.send(method, path, body, request_id="the id")
        await channel.answer(number)
        if path == b"/items/1" or path == b"/items/0":
            if method == "POST":
                await channel.streamed(number)

    hosted.write(LAMBDA).run(drive, settings=ON)
    series, tags, fields, moment = parts(points[0].replace(r"\ ", "_").replace("the id", "the_id"))
    tags.pop("kind", None)
    fields.pop("size", None)
    assert (series, tags) == ("requests", {"service": "lambda-id", "route": route, "status_code": str(status)})
    assert fields.pop("request_id") == '"the_id"'
    assert 0 <= float(fields.pop("execution_time")) < 60
    assert fields == {}
    assert abs(moment / 1e9 - datetime.now(timezone.utc).timestamp()) < 60
    if code is None:
        assert len(points) == 1
    else:
        assert parts(points[1].replace("the id", "the_id")) == (
            "errors", {**tags, "error_code": str(code)}, {"request_id": '"the_id"'}, moment
        )  # fmt: skip
        assert len(points) == 2


def test_data_for_monitoring_is_in_the_requests_point(hosted, points):
    async def drive(channel):
        await channel.ask("GET", b"/items/7")

    hosted.write(LAMBDA).run(drive, settings=ON)
    assert points[0].startswith(r"requests,kind=a\ b,route=GET:/items/<id:int>,service=lambda-id,status_code=200 size=7i,")


def test_a_lambdas_own_points_are_sent(hosted, points):
    async def drive(channel):
        await channel.ask(body="point")

    hosted.write(LAMBDA).run(drive, settings=ON)
    own = [line.rpartition(" ")[0] for line in points if line.startswith("matches")]
    assert own == ["matches,l=s,service=lambda-id v=1i", "matches,service=lambda-id v=2i", "matches,service=lambda-id v=3i"]


def test_points_that_cannot_be_written_are_told_and_cost_nothing_else(hosted, points):
    async def drive(channel):
        assert (await channel.ask(body="bad")).status == 200

    channel = hosted.write(LAMBDA).run(drive, settings=ON)
    assert [line.rpartition(" ")[0] for line in points if line.startswith("matches")] == ["matches,service=lambda-id v=4i"]
    warnings = channel.texts("warning")
    assert [text.partition(" is left out: ")[0] for text in warnings] == [
        "monitoring: a point of Match", "monitoring: a point of int", "monitoring: a point of Match",
    ]  # fmt: skip


def test_a_forked_child_sends_nothing(hosted, points):
    async def drive(channel):
        assert (await channel.ask(body="fork")).status == 200

    hosted.write(LAMBDA).run(drive, settings=ON)
    assert not [line for line in points if line.startswith("matches")]


def test_without_settings_nothing_is_written(hosted, points):
    async def drive(channel):
        for body in ("point", "bad", "raise"):
            await channel.ask(body=body)

    channel = hosted.write(LAMBDA).run(drive)
    assert points == []
    assert channel.texts("warning") == []


def test_tasks_send_points(hosted, points):
    source = (
        "from luna_lambda_tools.public.tasks import BaseLambdaTask\n"
        "from luna_lambda_tools.public.monitoring import CustomMonitoringPoint\n"
        "class Done(CustomMonitoringPoint):\n    series = 'done'\n"
        "class LambdaTask(BaseLambdaTask):\n"
        "    async def splitTasksContent(self, content):\n        return [{}]\n"
        "    async def executeSubtask(self, subtaskContent):\n"
        "        self.sendToMonitoring([Done({}, {'n': 1})])\n        return {}\n"
    )

    async def drive(channel):
        call = {"task_id": 1, "account_id": None, "sub_task_id": 0, "content": {}}
        assert (await channel.ask("TASK", b"execute", call)).status == 200

    hosted.write(source).run(drive, settings=ON)
    assert points[0].startswith("done,service=lambda-id n=1i ")


def test_a_missing_aiohttp_is_a_start_failure(hosted, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "aiohttp", None)
    _, text, _ = hosted.write(LAMBDA).fails(settings=ON)
    assert text.startswith("monitoring.url is set, and that needs aiohttp, which cannot be imported: ")
