// The Channel type inside an embedded interpreter, on both event loops. The test plays the
// supervisor and a piece of Python the host.
#include <gtest/gtest.h>

#include <thread>

#include "tests/worker/channel_pair.h"
#include "worker/channel/vitals_page.h"
#include "worker/python/channel_type.h"
#include "worker/python/error.h"
#include "worker/python/interpreter.h"
#include "worker/python/reference.h"

namespace lambdapool::worker::python {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kWindow = 4;

// What every test's Python finds: a host that keeps what it is called with, and runs a loop until
// `count` calls came.
constexpr const char* kPrelude = R"(
import asyncio, gc, importlib, os, sys, threading
events = []
class Host:
    def __init__(self, channel, loop, until):
        self.channel, self.loop, self.until = channel, loop, until
    def request(self, *arguments): self.note('request', *arguments)
    def cancel(self, *arguments): self.note('cancel', *arguments)
    def shutdown(self, *arguments): self.note('shutdown', *arguments)
    def note(self, *event):
        events.append(event)
        if len(events) >= self.until: self.loop.stop()
    def run(self):
        self.channel.attach(self.loop, self.request, self.cancel, self.shutdown)
        try:
            watchdog = self.loop.call_later(30, self.loop.stop)
            self.loop.run_forever()
            watchdog.cancel()
        finally:
            self.channel.detach()
class Recording:
    """A loop that keeps which of its methods the channel called."""
    def __init__(self, loop): self.loop, self.calls = loop, []
    def __getattr__(self, name):
        def call(*arguments):
            self.calls.append(name)
            return getattr(self.loop, name)(*arguments)
        return call
def make_loop():
    return importlib.import_module(loop_module).new_event_loop()
def run(until, host=Host):
    loop = make_loop()
    host(channel, loop, until).run()
    loop.close()
)";

class PythonEnvironment : public testing::Environment {
 public:
  void SetUp() override { interpreter_ = Interpreter::start(default_program()).value(); }
  void TearDown() override { interpreter_.reset(); }

 private:
  std::unique_ptr<Interpreter> interpreter_;
};
const auto* const kEnvironment = testing::AddGlobalTestEnvironment(new PythonEnvironment);

class ChannelTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    globals_ = steal(PyDict_New());
    const Reference channel = make_channel(io_, vitals_);
    ASSERT_TRUE(channel);
    PyDict_SetItemString(globals_.get(), "__builtins__", PyEval_GetBuiltins());
    PyDict_SetItemString(globals_.get(), "channel", channel.get());
    const Reference module = steal(PyUnicode_FromString(GetParam()));
    PyDict_SetItemString(globals_.get(), "loop_module", module.get());
    run(kPrelude);
  }
  void TearDown() override {
    globals_.reset();
    PyGC_Collect();
  }

  void run(const char* code) {
    const Reference result =
        steal(PyRun_String(code, Py_file_input, globals_.get(), globals_.get()));
    if (!result) ADD_FAILURE() << take_error().traceback;
  }
  // The repr of an expression, or "ErrorType: text".
  std::string evaluate(const char* expression) {
    const Reference value =
        steal(PyRun_String(expression, Py_eval_input, globals_.get(), globals_.get()));
    if (!value) return take_error().summary;
    const Reference text = steal(PyObject_Repr(value.get()));
    return PyUnicode_AsUTF8(text.get());
  }
  std::uint64_t vitals_word(std::size_t index) const {
    std::uint64_t word = 0;
    EXPECT_EQ(pread(memory_.get(), &word, sizeof word, static_cast<off_t>(index * sizeof word)),
              ssize_t{sizeof word});
    return word;
  }

  ChannelPair pair_;
  ChannelIo io_{pair_.worker_fd()};
  Descriptor memory_ = make_vitals_memory(kWindow);
  VitalsPage vitals_ = VitalsPage::map(memory_.get(), kWindow).value();
  Reference globals_;
};

INSTANTIATE_TEST_SUITE_P(Loops, ChannelTest, testing::Values("asyncio", "uvloop"),
                         [](const auto& parameter) { return std::string(parameter.param); });

protocol::Request request(std::uint64_t id) {
  return {.id = id,
          .slot = 2,
          .time_left_ms = 1500,
          .method = "POST",
          .path = "/a%20b",
          .query = "x=1",
          .headers = {{.name = "Host", .value = "h"}, {.name = "X-Bytes", .value = "\xff\xc3\xa9"}},
          .peer = "127.0.0.1",
          .request_id = "rid",
          .http_minor = 1,
          .body = std::string_view("a\0b", 3)};
}

TEST_P(ChannelTest, ARequestReachesTheHostWithEveryField) {
  pair_.send(request(7));

  run("run(1)");

  EXPECT_EQ(
      evaluate("(event := events[0])[:7] + event[8:]"),
      R"(('request', 7, 2, 1.5, 'POST', b'/a%20b', b'x=1', '127.0.0.1', 'rid', 1, b'a\x00b'))");
  EXPECT_EQ(evaluate("list(event[7])"), R"([('Host', 'h'), ('X-Bytes', '\udcffé')])");
}

TEST_P(ChannelTest, HeadersAreToldAnewEachTime) {
  protocol::Request empty = request(1);
  empty.headers = {};
  protocol::Request odd = request(2);
  const std::string long_value(70'000, 'v');
  odd.headers = {{.name = "", .value = ""}, {.name = "a", .value = long_value}};
  pair_.send(empty);
  pair_.send(odd);

  run("run(2)");

  EXPECT_EQ(evaluate("list(events[0][7])"), "[]");
  EXPECT_EQ(evaluate("[(name, len(value)) for name, value in events[1][7]]"),
            "[('', 0), ('a', 70000)]");
  EXPECT_EQ(evaluate("list(events[1][7]) == list(events[1][7])"), "True");
  EXPECT_EQ(evaluate("type(events[1][7])()"),
            "TypeError: cannot create '_lambdapool.Headers' instances");
}

constexpr const char* kTaking = R"(
class Taking(Host):
    def taken(self): self.note('taken')
    def run(self):
        self.channel.attach(self.loop, self.request, self.cancel, self.shutdown, on_taken=self.taken)
        watchdog = self.loop.call_later(30, self.loop.stop)
        self.loop.run_forever()
        watchdog.cancel()
        self.channel.detach()
)";

TEST_P(ChannelTest, WhatHasComeIsBegunWhenAllOfItIsTaken) {
  pair_.send(request(1));
  pair_.send(request(2));
  pair_.send(protocol::Cancel{.id = 1, .reason = "timeout"});
  run(kTaking);

  run("run(4, Taking)");

  EXPECT_EQ(evaluate("[event[:2] for event in events]"),
            "[('request', 1), ('request', 2), ('cancel', 1), ('taken',)]");
}

TEST_P(ChannelTest, AnswersOfABatchLeaveTogetherUnlessThatTakesLong) {
  pair_.send(request(1));
  const std::string peer = "peer = " + std::to_string(pair_.supervisor_fd());
  run(peer.c_str());
  run(kTaking);

  run(R"(
import select, time  # 6: CLOCK_MONOTONIC_COARSE
class Answering(Taking):
    def taken(self):
        for id in (1, 2):
            self.channel.respond(id, 200, [], b'')
        together = not select.select([peer], [], [], 0)[0]
        began = time.clock_gettime(6)
        while time.clock_gettime(6) == began: pass
        self.channel.respond(3, 200, [], b'')
        self.note(together, bool(select.select([peer], [], [], 0)[0]))
run(2, Answering)
)");

  EXPECT_EQ(evaluate("events[1][1]"), "True");
  EXPECT_EQ(pair_.read_frames().size(), 3U);
}

TEST_P(ChannelTest, WhatMustBeThereBeforeAnswersLeavesWithThem) {
  pair_.send(request(1));
  run(R"(
class Counting(Host):
    def taken(self):
        self.channel.respond(1, 200, [], b'')
        began = time.clock_gettime(6)  # CLOCK_MONOTONIC_COARSE
        while time.clock_gettime(6) == began: pass
        self.channel.respond(2, 200, [], b'')
        self.channel.respond(3, 200, [], b'')
        self.note('taken')
    def before(self): self.channel.metric('counter', 'm', '', [], [1])
    def run(self):
        self.channel.attach(self.loop, self.request, self.cancel, self.shutdown,
                            on_taken=self.taken, before_answers=self.before)
        watchdog = self.loop.call_later(30, self.loop.stop)
        self.loop.run_forever()
        watchdog.cancel()
        self.channel.detach()
import time
run(2, Counting)
)");

  ASSERT_EQ(pair_.read_frames().size(), 5U);
  EXPECT_EQ(pair_.message<protocol::Response>(1).id, 2U);
  EXPECT_EQ(pair_.message<protocol::Metric>(2).name, "m");
  EXPECT_EQ(pair_.message<protocol::Response>(3).id, 3U);
  EXPECT_EQ(pair_.message<protocol::Metric>(4).name, "m");
}

TEST_P(ChannelTest, AFirstStepSaysWhetherThatWasAll) {
  run(R"(
import asyncio, contextvars
variable = contextvars.ContextVar('variable')
async def ends(): return variable.get(), channel.first_step().lambdapool_request
async def waits():
    waits.seen = variable.get()
    await asyncio.sleep(0)
)");

  EXPECT_EQ(evaluate("channel.take_first_step(ends(), 7, 3, variable, 'value')"), "None");
  EXPECT_EQ(vitals_word(7), 7U);
  EXPECT_EQ(
      evaluate("(step := channel.take_first_step(waits(), 8, 0, variable, 5)).lambdapool_request"),
      "8");
  EXPECT_EQ(evaluate("step.context[variable], waits.seen, variable in contextvars.copy_context()"),
            "(5, 5, False)");
  EXPECT_EQ(evaluate("channel.first_step()"), "None");
  run("step.close(); del step");
}

TEST_P(ChannelTest, AFirstStepThatRaisesIsTheCallersToKnow) {
  run(R"(
import contextvars
variable = contextvars.ContextVar('variable')
async def fails(): raise KeyError(variable.get())
)");

  EXPECT_EQ(evaluate("channel.take_first_step(fails(), 7, 3, variable, 'value')"),
            "KeyError: 'value'");
  EXPECT_EQ(evaluate("channel.first_step(), variable in contextvars.copy_context()"),
            "(None, False)");
}

TEST_P(ChannelTest, AFirstStepInNoSlotIsRefused) {
  run("import contextvars; variable = contextvars.ContextVar('variable')");

  EXPECT_EQ(evaluate("channel.take_first_step(iter(()), 1, 4, variable, 0)"),
            "ValueError: take_first_step(): slot must be 0 to 3, not 4");
  EXPECT_TRUE(evaluate("channel.take_first_step(iter(()), -1, 0, variable, 0)")
                  .starts_with("OverflowError"));
  EXPECT_EQ(evaluate("channel.take_first_step(iter(()), 1, 0, 'variable', 0)"),
            "TypeError: an instance of ContextVar was expected");
  EXPECT_EQ(vitals_word(1), 0U);
}

TEST_P(ChannelTest, CancelAndShutdownReachTheHostInOrder) {
  pair_.send(protocol::Cancel{.id = 3, .reason = "disconnect"});
  pair_.send(protocol::Shutdown{.limit_ms = 250});

  run("run(2)");

  EXPECT_EQ(evaluate("events"), "[('cancel', 3, 'disconnect'), ('shutdown', 0.25)]");
}

TEST_P(ChannelTest, FramesReadBeforeAttachingAreDelivered) {
  pair_.send(protocol::Shutdown{.limit_ms = 250});
  io_.receive();

  run("run(1)");

  EXPECT_EQ(evaluate("events"), "[('shutdown', 0.25)]");
}

TEST_P(ChannelTest, AFrameCountsAsTakenBeforeItsHandlerRuns) {
  pair_.send(request(1));
  pair_.send(protocol::Cancel{.id = 1, .reason = "timeout"});

  const std::string memory = "memory = " + std::to_string(memory_.get());
  run(memory.c_str());
  run(R"(
class Looking(Host):
    def note(self, *event):
        super().note(int.from_bytes(os.pread(memory, 8, 0), sys.byteorder))
run(2, Looking)
)");

  EXPECT_EQ(evaluate("events"), "[(1,), (2,)]");
}

TEST_P(ChannelTest, LargeRequestsComeWhole) {
  const std::string body(std::size_t{3} << 20, 'z');
  protocol::Request large = request(1);
  large.body = body;
  const std::jthread sender([&] { pair_.send(large); });

  run("run(1)");

  EXPECT_EQ(evaluate("len(events[0][11]), events[0][11].strip(b'z')"), "(3145728, b'')");
}

TEST_P(ChannelTest, AnswersMadeInAHandlerLeaveAtTheEndOfTheBatchInOneWrite) {
  pair_.send(request(1));
  pair_.send(request(2));
  const std::string peer = "peer = " + std::to_string(pair_.supervisor_fd());
  run(peer.c_str());

  run(R"(
class Answering(Host):
    def request(self, id, *rest):
        channel.respond(id, 200, [], b'body')
        self.note(select.select([peer], [], [], 0)[0])
import select
run(2, Answering)
)");

  // Nothing was readable at the other end while the handlers ran.
  EXPECT_EQ(evaluate("events"), "[([],), ([],)]");

  ASSERT_EQ(pair_.read_frames().size(), 2U);
  EXPECT_EQ(pair_.message<protocol::Response>(0).id, 1U);
  EXPECT_EQ(pair_.message<protocol::Response>(1).id, 2U);
}

TEST_P(ChannelTest, AnswersMadeInOneTurnLeaveInTheNextTogether) {
  run(R"(
loop = make_loop()
recording = Recording(loop)
channel.attach(recording, print, print, print)
def answer():
    for id in (1, 2, 3): channel.respond(id, 200, (), b'')
    loop.call_soon(loop.stop)
loop.call_soon(answer)
channel.respond(9, 200, [], b'')
)");
  EXPECT_EQ(pair_.readable(), 0U);

  run("loop.run_forever()");

  EXPECT_EQ(pair_.read_frames().size(), 4U);
  EXPECT_EQ(evaluate("recording.calls"), "['add_reader', 'call_soon']");
  run("channel.detach(); loop.close()");
}

TEST_P(ChannelTest, AnAnswerCarriesHeadersOfTextAndBytes) {
  run(R"(channel.respond(id=5, status=201, headers=[('A', 'é\udcff'), (b'B', b'\x00'), ['C', 'x']], body=bytearray(b'ok')))");

  ASSERT_EQ(pair_.read_frames().size(), 1U);
  const auto response = pair_.message<protocol::Response>(0);
  EXPECT_EQ(response.id, 5U);
  EXPECT_EQ(response.status, 201U);
  EXPECT_EQ(response.headers, (protocol::Fields{{.name = "A", .value = "\xc3\xa9\xff"},
                                                {.name = "B", .value = std::string_view("\0", 1)},
                                                {.name = "C", .value = "x"}}));
  EXPECT_EQ(response.body, "ok");
}

TEST_P(ChannelTest, AFailureCarriesEveryField) {
  run("channel.fail(5, 400, 'lambda_exception', 42, 'desc', 'd\\ud800', (('A', 'b'),))");
  run("channel.fail(6, 500, 'k', 0, '', '')");

  ASSERT_EQ(pair_.read_frames().size(), 2U);
  EXPECT_EQ(pair_.message<protocol::Failure>(0),
            (protocol::Failure{.id = 5,
                               .status = 400,
                               .kind = "lambda_exception",
                               .error_code = 42,
                               .desc = "desc",
                               .detail = "d\\ud800",
                               .headers = {{.name = "A", .value = "b"}}}));
  EXPECT_EQ(pair_.message<protocol::Failure>(1).id, 6U);
}

TEST_P(ChannelTest, WrongArgumentsAreNamedAndWriteNothing) {
  const std::pair<const char*, const char*> cases[] = {
      {"channel.respond('1', 200, [], b'')", "TypeError: respond(): id must be int, not str"},
      {"channel.respond(1, 200.0, [], b'')", "TypeError: respond(): status must be int, not float"},
      {"channel.respond(1, 200, None, b'')",
       "TypeError: respond(): headers must be a list or tuple of pairs, not NoneType"},
      {"channel.respond(1, 200, [], 'text')",
       "TypeError: respond(): body must be bytes-like, not str"},
      {"channel.respond(1, 200, [('a',)], b'')",
       "TypeError: respond(): each of the headers must be a pair of name and value, not ('a',)"},
      {"channel.respond(1, 200, [('a', 1)], b'')",
       "TypeError: respond(): a header's name and value must be str or bytes, not int"},
      {"channel.respond(0, 200, [], b'')",
       "ValueError: respond(): id must be 1 to 18446744073709551615, not 0"},
      {"channel.respond(2 ** 64, 200, [], b'')",
       "ValueError: respond(): id must be 1 to 18446744073709551615, not 18446744073709551616"},
      {"channel.respond(1, 99, [], b'')",
       "ValueError: respond(): status must be 100 to 999, not 99"},
      {"channel.respond(1, 1000, [], b'')",
       "ValueError: respond(): status must be 100 to 999, not 1000"},
      {"channel.respond(1, 200, [])", "TypeError: respond() needs argument 'body'"},
      {"channel.respond(1, 200, [], b'', '/', 6)",
       "TypeError: respond() takes at most 5 arguments, not 6"},
      {"channel.respond(1, 200, [], b'', x=5)", "TypeError: respond() has no argument 'x'"},
      {"channel.respond(1, 200, [], b'', id=5)", "TypeError: respond() got argument 'id' twice"},
      {"channel.respond(1, 200, [], memoryview(b'abcd')[::2])",
       "BufferError: memoryview: underlying buffer is not C-contiguous"},
      {"channel.fail(1, 500, 'k', -1, '', '')",
       "ValueError: fail(): error_code must be 0 to 4294967295, not -1"},
      {"channel.fail(1, 500, 'k', 1, b'', '')", "TypeError: fail(): desc must be str, not bytes"},
      {"channel.log('loud', '', '')",
       "ValueError: log(): level must be debug, info, warning or error, not 'loud'"},
      {"channel.log('info', '', b'')", "TypeError: log(): text must be str, not bytes"},
      {"channel.begin(4, 1)", "ValueError: begin(): slot must be 0 to 3, not 4"},
      {"channel.begin(0, 0)", "ValueError: begin(): id must be 1 to 18446744073709551615, not 0"},
      {"channel.flush('x')", "TypeError: flush(): timeout must be a number, not str"},
      {"channel.flush(-1)", "ValueError: flush(): timeout must be a number of seconds, not -1"},
      {"channel.attach(None, print, None, print)",
       "TypeError: attach(): on_cancel must be callable"},
      {"type(channel)()", "TypeError: cannot create '_lambdapool.Channel' instances"},
  };
  for (const auto& [code, error] : cases) EXPECT_EQ(evaluate(code), error) << code;

  EXPECT_EQ(io_.waiting(), 0U);
  EXPECT_EQ(pair_.readable(), 0U);
}

TEST_P(ChannelTest, HeadersMayBeAsManyAndAsLongAsTheLimit) {
  EXPECT_EQ(evaluate("channel.respond(1, 200, [('a', '')] * 1024, b'')"), "None");
  EXPECT_EQ(evaluate("channel.respond(2, 200, [('a', 'b' * (512 * 1024 - 1))], b'')"), "None");
  EXPECT_TRUE(evaluate("channel.respond(3, 200, [('a', '')] * 1025, b'')")
                  .starts_with("ValueError: respond(): 1025"));
  EXPECT_TRUE(evaluate("channel.respond(4, 200, [('a', 'b' * 512 * 1024)], b'')")
                  .starts_with("ValueError"));

  while (io_.write() == WriteState::kBlocked) pair_.read_frames();
  ASSERT_EQ(pair_.read_frames().size(), 2U);
  EXPECT_EQ(pair_.message<protocol::Response>(0).headers.size(), 1024U);
}

TEST_P(ChannelTest, ABodyOverTheLimitIsRefused) {
  // Memory that nobody touches costs nothing.
  run("import mmap; memory = mmap.mmap(-1, 256 * 1024 * 1024 + 1)");

  EXPECT_EQ(evaluate("channel.respond(1, 200, [], memory)"),
            "ValueError: respond(): a body of 268435457 bytes is over the limit of 268435456");
  EXPECT_EQ(io_.waiting(), 0U);
  run("memory.close()");
}

TEST_P(ChannelTest, BeginMarksTheSlot) {
  run("channel.begin(3, 77)");

  EXPECT_EQ(vitals_word(7), 77U);
}

TEST_P(ChannelTest, ALogLineIsWrittenBeforeTheCallReturns) {
  run("loop = make_loop(); channel.attach(loop, print, print, print)");

  run("channel.log('warning', 'rid', 'line\\ud800')");

  ASSERT_EQ(pair_.read_frames().size(), 1U);
  EXPECT_EQ(pair_.message<protocol::Log>(0),
            (protocol::Log{.level = "warning", .request_id = "rid", .text = "line\\ud800"}));
  run("channel.detach(); loop.close()");
}

TEST_P(ChannelTest, ALongLogLineIsCut) {
  run("channel.log('info', '', 'x' * 256 * 1024); channel.log('info', '', 'x' * (256 * 1024 + 1))");

  while (io_.write() == WriteState::kBlocked) pair_.read_frames();
  ASSERT_EQ(pair_.read_frames().size(), 2U);
  EXPECT_EQ(pair_.message<protocol::Log>(0).text.size(), 256U * 1024);
  EXPECT_TRUE(pair_.message<protocol::Log>(1).text.ends_with("[1 bytes left out]"));
}

TEST_P(ChannelTest, OtherThreadsMayLogAndAnswer) {
  run(R"(
loop = make_loop()
channel.attach(loop, print, print, print)
def other():
    channel.log('info', '', 'from a thread')
    channel.respond(1, 200, [], b'')
    loop.call_soon_threadsafe(lambda: loop.call_soon(loop.stop))
thread = threading.Thread(target=other)
loop.call_soon(thread.start)
loop.run_forever()
thread.join()
channel.detach()
loop.close()
)");

  ASSERT_EQ(pair_.read_frames().size(), 2U);
  EXPECT_EQ(pair_.message<protocol::Log>(0).text, "from a thread");
  EXPECT_EQ(pair_.message<protocol::Response>(1).id, 1U);
}

TEST_P(ChannelTest, WhatTheSocketDoesNotTakeLeavesWhenItIsWritable) {
  run(R"(
loop = make_loop()
recording = Recording(loop)
channel.attach(recording, print, print, lambda limit: loop.stop())
channel.respond(1, 200, [], b'x' * 8_000_000)
channel.respond(2, 200, [], b'')
loop.call_soon(loop.stop)  # Behind the write, which nobody reads yet.
loop.run_forever()
)");
  std::jthread reader([&] {
    while (pair_.read_frames().size() < 2) std::this_thread::yield();
    pair_.send(protocol::Shutdown{.limit_ms = 1});
  });

  run("loop.run_forever()");

  reader.join();
  EXPECT_EQ(pair_.message<protocol::Response>(0).body.size(), 8'000'000U);
  EXPECT_EQ(pair_.message<protocol::Response>(1).id, 2U);
  EXPECT_EQ(evaluate("recording.calls"),
            "['add_reader', 'call_soon', 'add_writer', 'remove_writer']");
  run("channel.detach(); loop.close()");
}

TEST_P(ChannelTest, AHandlerThatRaisesIsReportedAndTheNextFrameStillComes) {
  pair_.send(request(1));
  pair_.send(protocol::Shutdown{.limit_ms = 1});

  run(R"(
import io
class Raising(Host):
    def request(self, *arguments):
        raise SystemExit('from the handler')
sys.stderr = io.StringIO()
run(1, Raising)
printed, sys.stderr = sys.stderr.getvalue(), sys.__stderr__
)");

  EXPECT_EQ(evaluate("events"), "[('shutdown', 0.001)]");
  EXPECT_EQ(evaluate("'on_request' in printed and 'SystemExit: from the handler' in printed"),
            "True")
      << evaluate("printed");
}

TEST_P(ChannelTest, AHandlerThatDetachesGetsNoMoreFramesUntilTheChannelIsAttachedAgain) {
  pair_.send(protocol::Cancel{.id = 1, .reason = "timeout"});
  pair_.send(protocol::Cancel{.id = 2, .reason = "timeout"});

  run(R"(
class Detaching(Host):
    def cancel(self, id, reason):
        channel.detach()
        self.note(id)
run(1, Detaching)
)");
  EXPECT_EQ(evaluate("events"), "[(1,)]");
  run("run(2)");

  EXPECT_EQ(evaluate("events"), "[(1,), ('cancel', 2, 'timeout')]");
}

TEST_P(ChannelTest, AttachingTwiceIsAnError) {
  run("loop = make_loop(); channel.attach(loop, print, print, print)");

  EXPECT_EQ(evaluate("channel.attach(loop, print, print, print)"),
            "RuntimeError: attach(): the channel is attached already");
  run("channel.detach(); channel.detach(); loop.close()");
}

TEST_P(ChannelTest, AnAttachedChannelAndItsHostAreCollected) {
  run(R"(
import weakref
loop = make_loop()
host = Host(channel, loop, 1)
channel.attach(loop, host.request, host.cancel, host.shutdown)
seen = weakref.ref(host)
channel.detach()
loop.close()
del host, loop
gc.collect()
)");

  EXPECT_EQ(evaluate("seen()"), "None");
}

TEST_P(ChannelTest, ReadyIsWrittenWhenTheCallReturns) {
  run("channel.ready('standalone', 'uvloop')");

  ASSERT_EQ(pair_.read_frames().size(), 1U);
  EXPECT_EQ(pair_.message<protocol::Ready>(0), (protocol::Ready{.version = protocol::kVersion,
                                                                .lambda_type = "standalone",
                                                                .event_loop = "uvloop"}));
}

TEST_P(ChannelTest, StartFailedIsWrittenWhenTheCallReturns) {
  run("channel.start_failed('onStart', 'text', 'traceback')");

  ASSERT_EQ(pair_.read_frames().size(), 1U);
  EXPECT_EQ(pair_.message<protocol::StartFailed>(0),
            (protocol::StartFailed{.stage = "onStart", .text = "text", .traceback = "traceback"}));
}

TEST_P(ChannelTest, FlushSaysWhetherEverythingIsWritten) {
  EXPECT_EQ(evaluate("channel.flush(0)"), "True");
  ChannelPair::fill(io_);

  EXPECT_EQ(evaluate("channel.flush(0)"), "False");
  EXPECT_EQ(evaluate("channel.flush(0.001)"), "False");
}

TEST_P(ChannelTest, FlushLetsOtherThreadsRun) {
  ChannelPair::fill(io_);
  const std::string peer = "peer = " + std::to_string(pair_.supervisor_fd());
  run(peer.c_str());

  // Only the Python thread makes room, so flush() ends in time only if it lets go of the GIL.
  run(R"(
import select
done = threading.Event()
def read():
    while not done.is_set():
        if select.select([peer], [], [], 0.01)[0]: os.read(peer, 1 << 20)
thread = threading.Thread(target=read)
sys.setswitchinterval(1000)
thread.start()
flushed = channel.flush(30)
done.set()
thread.join()
sys.setswitchinterval(0.005)
)");

  EXPECT_EQ(evaluate("flushed"), "True");
}

TEST_P(ChannelTest, AForkedChildIsSilent) {
  run(R"(
loop = make_loop()
channel.attach(loop, print, print, print)
read_end, write_end = os.pipe()
child = os.fork()
if child == 0:
    os.dup2(write_end, 2)
    channel.begin(0, 5)
    channel.respond(1, 200, [], b'')
    channel.fail(1, 500, 'k', 0, '', '')
    channel.ready('', '')
    channel.start_failed('', '', '')
    flushed = channel.flush(0)
    channel.log('error', '', 'from the child')
    channel.detach()
    os._exit(0 if flushed else 1)
status = os.waitpid(child, 0)[1]
os.close(write_end)
said = os.read(read_end, 1000)
os.close(read_end)
channel.detach()
loop.close()
)");

  EXPECT_EQ(evaluate("status"), "0");
  EXPECT_EQ(evaluate("said"), "b'error: from the child\\n'");
  EXPECT_EQ(pair_.readable(), 0U);
  EXPECT_EQ(vitals_word(1), 0U);
}

using ChannelDeathTest = ChannelTest;

INSTANTIATE_TEST_SUITE_P(Loops, ChannelDeathTest, testing::Values("asyncio", "uvloop"),
                         [](const auto& parameter) { return std::string(parameter.param); });

// A death test's statement runs in a forked child, where a channel made before would be silent.
void run_forked(ChannelPair& pair, const char* loop_module, const char* code) {
  PyOS_AfterFork_Child();
  ChannelIo io(pair.worker_fd());
  const Descriptor memory = make_vitals_memory(kWindow);
  VitalsPage vitals = VitalsPage::map(memory.get(), kWindow).value();
  const Reference channel = make_channel(io, vitals);
  const Reference globals = steal(PyDict_New());
  const Reference module = steal(PyUnicode_FromString(loop_module));
  PyDict_SetItemString(globals.get(), "__builtins__", PyEval_GetBuiltins());
  PyDict_SetItemString(globals.get(), "channel", channel.get());
  PyDict_SetItemString(globals.get(), "loop_module", module.get());
  static_cast<void>(steal(PyRun_String(kPrelude, Py_file_input, globals.get(), globals.get())));
  static_cast<void>(steal(PyRun_String(code, Py_file_input, globals.get(), globals.get())));
  std::fputs(take_error().traceback.c_str(), stderr);
  _exit(99);
}

TEST_P(ChannelDeathTest, EndOfFileEndsTheProcess) {
  pair_.send(protocol::Shutdown{.limit_ms = 1});
  pair_.hang_up();

  EXPECT_EXIT(run_forked(pair_, GetParam(), "run(2)"), testing::ExitedWithCode(0), "");
}

TEST_P(ChannelDeathTest, WritingToASupervisorThatIsGoneEndsTheProcess) {
  pair_.hang_up();

  EXPECT_EXIT(run_forked(pair_, GetParam(), "channel.log('info', '', '')"),
              testing::ExitedWithCode(0), "");
}

TEST_P(ChannelDeathTest, BytesThatAreNoFrameEndTheProcessWithALine) {
  pair_.send_bytes(std::string_view("\0\0\0\0", 4));

  EXPECT_EXIT(run_forked(pair_, GetParam(), "run(1)"), testing::ExitedWithCode(70),
              "the supervisor broke the protocol: a frame of length zero");
}

TEST_P(ChannelDeathTest, AFrameThatIsNoMessageEndsTheProcessWithALine) {
  pair_.send_bytes(std::string_view("\0\0\0\x02\x91\x63", 6));

  EXPECT_EXIT(run_forked(pair_, GetParam(), "run(1)"), testing::ExitedWithCode(70),
              "unknown message type 99");
}

TEST_P(ChannelDeathTest, ASecondStartEndsTheProcess) {
  protocol::Start start;
  start.window = kWindow;
  pair_.send(start);

  EXPECT_EXIT(run_forked(pair_, GetParam(), "run(1)"), testing::ExitedWithCode(70),
              "a second start");
}

TEST_P(ChannelDeathTest, ASlotBeyondTheWindowEndsTheProcess) {
  protocol::Request beyond = request(1);
  beyond.slot = kWindow;
  pair_.send(beyond);

  EXPECT_EXIT(run_forked(pair_, GetParam(), "run(1)"), testing::ExitedWithCode(70),
              "slot 4 of a window of 4");
}

}  // namespace
}  // namespace lambdapool::worker::python
