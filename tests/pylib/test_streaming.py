"""Responses that are sent while they are made."""

import asyncio

import pytest
from test_user_handlers import get, handler

SENDS = """
response = await self.stream(contentType="text/csv", statusCode=201, headers={"X-A": 1})
await response.send("ü")
await response.send(b"")
await response.send("")
await response.send(memoryview(b"ab"))
await response.eof()
"""
GENERATOR = """
import asyncio

closed = []

async def rows(count=3):
    try:
        for number in range(count):
            yield f"{number}\\n"
    finally:
        closed.append(True)
"""


def stream(hosted, source, method="GET", **options):
    """The answer to one request that is streamed, and the channel."""
    kept = []

    async def drive(channel):
        kept.append(await channel.streamed(channel.send(method, b"/r")))

    channel = hosted.write(source).run(drive, **options)
    return kept[0], channel


def test_pieces_are_sent_one_by_one_and_empty_ones_are_left_out(hosted):
    answer, channel = stream(hosted, get(SENDS))
    assert (answer.status, answer.headers) == (201, {"Content-Type": "text/csv", "X-A": "1"})
    assert answer.chunks == ["ü".encode(), b"ab"]
    assert (answer.end, answer.route) == ("", "/r")
    assert channel.texts("error") == []


@pytest.mark.parametrize("source", ["'text'", "b'text'", "bytearray(b'text')", "memoryview(b'text')"])
def test_a_text_as_source_is_one_piece(hosted, source):
    answer, _ = stream(hosted, get(f"return self.stream({source})"))
    assert (answer.chunks, answer.end) == ([b"text"], "")


@pytest.mark.parametrize(
    "code",
    [
        "return self.stream(rows(), contentType='text/plain')",
        "return await self.stream(rows(), contentType='text/plain')",
        "await self.stream(rows(), contentType='text/plain')",
        "return self.stream((f'{n}\\n' for n in range(3)), contentType='text/plain')",
        "return self.stream(['0\\n', b'1\\n', '2\\n'], 200, 'text/plain')",
        "async with self.stream(contentType='text/plain') as r:\n"
        "    async for row in rows():\n        await r.send(row)",
        "r = self.stream(contentType='text/plain')\nasync for row in rows():\n    await r.send(row)",
        "r = await self.stream(contentType='text/plain')\nasync for row in rows():\n    await r.send(row)\nreturn r",
    ],
)
def test_there_are_several_ways_to_stream(hosted, code):
    answer, channel = stream(hosted, get(code, before=GENERATOR))
    assert (answer.status, answer.headers) == (200, {"Content-Type": "text/plain"})
    assert (answer.chunks, answer.end) == ([b"0\n", b"1\n", b"2\n"], "")
    assert channel.texts("error") == channel.texts("warning") == []


@pytest.mark.parametrize("code", ["await self.stream()", "return self.stream()", "return self.stream([])"])
def test_a_stream_may_be_empty(hosted, code):
    answer, _ = stream(hosted, get(code))
    assert (answer.status, answer.headers, answer.chunks, answer.end) == (200, {}, [], "")


def test_a_piece_leaves_before_the_next_one_is_made(hosted):
    code = """
response = await self.stream()
await response.send("first")
await RELEASED.wait()
await response.send("second")
"""

    async def drive(channel):
        number = channel.send("GET", b"/r")
        answer = await channel.answer(number)
        async with asyncio.timeout(10):
            while not answer.chunks:
                await asyncio.sleep(0)
        assert (answer.chunks, answer.end) == ([b"first"], None)
        assert (await channel.ask("POST", b"/r")).status == 200
        assert (await channel.streamed(number)).chunks == [b"first", b"second"]

    release = "\nasync def post(self):\n    RELEASED.set()\n    return self.sendResponse()"
    lines = "\n".join(f"    {line}" for line in code.strip().split("\n"))
    source = handler(f"async def get(self):\n{lines}{release}", before="import asyncio\nRELEASED = asyncio.Event()")
    hosted.write(source).run(drive)


def test_without_credit_send_waits(hosted):
    code = """
response = await self.stream()
await response.send("x" * 25)
logger.info("sent all")
"""

    async def drive(channel):
        number = channel.send("GET", b"/r")
        answer = await channel.answer(number)
        for sent in (10, 20):
            async with asyncio.timeout(10):
                while len(answer.body) < sent:
                    await asyncio.sleep(0)
            for _ in range(20):
                await asyncio.sleep(0)
            assert (len(answer.body), answer.end) == (sent, None)
            assert channel.texts("info") == []
            channel.grant(number)
        assert (await channel.streamed(number)).body == b"x" * 25

    hosted.write(get(code)).run(drive, stream_credit=10, grants_credit=False)


def test_a_large_piece_is_sent_in_parts_within_the_credit(hosted):
    code = "return self.stream([b'x' * 1_000_000])"
    answer, _ = stream(hosted, get(code))
    assert answer.body == b"x" * 1_000_000
    assert max(map(len, answer.chunks)) == 65536


def test_pieces_of_several_tasks_stay_whole(hosted):
    code = """
import asyncio
response = await self.stream()
await asyncio.gather(*(response.send(letter * 30) for letter in "abc"))
"""
    answer, _ = stream(hosted, get(code), stream_credit=7)
    assert answer.body == b"a" * 30 + b"b" * 30 + b"c" * 30


def test_credit_for_a_request_that_is_over_is_ignored(hosted):
    async def drive(channel):
        await channel.ask()
        channel.on_credit(1, 10)
        channel.on_credit(99, 10)

    hosted.write(get("pass")).run(drive)


# --- no body


@pytest.mark.parametrize("name", ["get", "head"])
def test_the_answer_to_head_is_a_head_only(hosted, name):
    source = handler(f"async def {name}(self):\n    return self.stream(rows(), contentType='a/b')", before=GENERATOR)
    answer, _ = stream(hosted, source, name.upper())
    assert answer.headers == {"Content-Type": "a/b"}
    assert answer.chunks == ([] if name == "head" else [b"0\n", b"1\n", b"2\n"])


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_is_a_head_only(hosted, status):
    answer, _ = stream(hosted, get(f"return self.stream(['a'], {status})"))
    assert (answer.status, answer.chunks, answer.end) == (status, [], "")


# --- failures


def test_an_exception_before_the_head_is_an_ordinary_failure(hosted):
    async def drive(channel):
        answer = await channel.ask("GET", b"/r")
        assert (answer.status, answer.kind, answer.detail, answer.route) == (500, "lambda_exception", "no", "/r")
        assert answer.chunks is None

    hosted.write(get("response = self.stream()\nraise ValueError('no')")).run(drive)


@pytest.mark.parametrize(
    "code",
    [
        "response = await self.stream()\nawait response.send('a')\nraise ValueError('no')",
        "async with self.stream() as response:\n    await response.send('a')\n    raise ValueError('no')",
        "def rows():\n    yield 'a'\n    raise ValueError('no')\nreturn self.stream(rows())",
        "async def rows():\n    yield 'a'\n    raise ValueError('no')\nreturn self.stream(rows())",
        "class No(UserException):\n    statusCode = 400\n    errorText = 'no'\n"
        "response = await self.stream()\nawait response.send('a')\nraise No",
    ],
)
def test_an_exception_in_between_ends_the_stream_with_an_error(hosted, code):
    answer, channel = stream(hosted, get(code))
    assert (answer.status, answer.chunks, answer.end) == (200, [b"a"], "no")
    (text,) = channel.texts("error")
    assert text.startswith("Handler.get failed\nTraceback")


def test_a_piece_of_another_type_ends_the_stream_with_an_error(hosted):
    answer, _ = stream(hosted, get("return self.stream(['a', 5])"))
    assert (answer.chunks, answer.end[:42]) == ([b"a"], "the body of a response is of type int; it ")


def test_a_generator_is_closed_when_the_stream_fails(hosted):
    source = handler(
        """
async def get(self):
    return self.stream(rows(1000), headers={"a": "b"})
async def post(self):
    return self.sendResponse(json=closed)
""",
        before=GENERATOR,
    )

    async def drive(channel):
        number = channel.send("GET", b"/r")
        await channel.answer(number)
        channel.on_cancel(number, "disconnect")
        answer = await channel.streamed(number)
        assert answer.end == "The request was cancelled: its client left"
        assert (await channel.ask("POST", b"/r")).json == [True]

    hosted.write(source).run(drive, stream_credit=8, grants_credit=False)


def test_a_shutdown_ends_streams_with_an_error(hosted):
    numbers = []

    async def drive(channel):
        numbers.append(channel.send("GET", b"/r"))
        await channel.answer(numbers[0])

    channel = hosted.write(get("r = await self.stream()\nawait r.send('a')\nimport asyncio\nawait asyncio.sleep(60)")).run(drive)
    (answer,) = channel.answers[numbers[0]]
    assert answer.end == "The request was cancelled: its worker shuts down"


def test_an_exception_after_the_end_is_logged_only(hosted):
    code = "response = await self.stream()\nawait response.eof()\nraise ValueError('late')"
    answer, channel = stream(hosted, get(code))
    assert answer.end == ""
    assert "ValueError: late" in channel.texts("error")[0]


def test_nothing_can_be_sent_after_the_end(hosted):
    answer, channel = stream(hosted, get("r = await self.stream()\nawait r.eof()\nawait r.eof()\nawait r.send('a')"))
    assert (answer.chunks, answer.end) == ([], "")
    assert "RuntimeError: the response has ended; nothing can be sent after eof()" in channel.texts("error")[0]


@pytest.mark.parametrize(
    "last", ["await self.stream()", "return self.stream(statusCode=201)", "await self.stream().eof()"]
)
def test_a_second_response_cannot_begin(hosted, last):
    answer, _ = stream(hosted, get(f"r = await self.stream()\nawait r.send('a')\n{last}"))
    assert (answer.status, answer.body) == (200, b"a")
    assert answer.end == "the response to this request has begun already; it can begin once only"


def test_a_response_returned_after_a_stream_is_left_out_with_a_warning(hosted):
    answer, channel = stream(hosted, get("r = await self.stream()\nawait r.send('a')\nreturn self.sendResponse(404)"))
    assert (answer.status, answer.chunks, answer.end) == (200, [b"a"], "")
    assert channel.texts("warning") == [
        "Handler.get has streamed its response already; a HTTPResponse that it returned is left out"
    ]


@pytest.mark.parametrize("arguments", ["statusCode=700", "headers={'A': 'b\\n'}", "contentType='a\\nb'"])
def test_a_head_that_cannot_be_sent_is_a_500(hosted, arguments):
    async def drive(channel):
        answer = await channel.ask("GET", b"/r")
        assert (answer.status, answer.chunks) == (500, None)

    hosted.write(get(f"return self.stream(['a'], {arguments})")).run(drive)
