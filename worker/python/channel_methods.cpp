#include "worker/python/channel_methods.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <exception>
#include <new>
#include <utility>

#include "protocol/codec.h"
#include "protocol/frame.h"
#include "worker/python/arguments.h"
#include "worker/python/stepped.h"
#include "worker/text.h"
#include "worker/whose_code.h"

namespace lambdapool::worker::python {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStartReportLimit{5000};
constexpr double kLongestFlush = 24.0 * 3600;

Reference none() { return share(Py_None); }

// No C++ exception gets into Python's frames.
template <class Body>
PyObject* guarded(const char* method, Body body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_Format(PyExc_RuntimeError, "%s(): %s", method, error.what());
    return nullptr;
  }
}

// What Python calls: a method that takes bound arguments and gives its result, or null with an
// exception pending.
template <const Signature& kSignature, Reference (*kMethod)(PyObject*, Arguments&)>
PyObject* method(PyObject* self, PyObject* const* values, Py_ssize_t count, PyObject* keywords) {
  return guarded(kSignature.method, [&]() -> PyObject* {
    Arguments arguments(kSignature, values, count, keywords);
    return arguments.is_bound() ? kMethod(self, arguments).release() : nullptr;
  });
}

// What the loop calls.
template <void (Channel::*kMember)()>
PyObject* callback(PyObject* self, PyObject* /*arguments*/) {
  return guarded("the channel", [&] {
    (channel_of(self).*kMember)();
    return Py_NewRef(Py_None);
  });
}

PyMethodDef receive_callback{"receive", &callback<&Channel::receive>, METH_NOARGS, nullptr};
PyMethodDef flush_callback{"flush", &callback<&Channel::write_scheduled>, METH_NOARGS, nullptr};
PyMethodDef writable_callback{"writable", &callback<&Channel::write>, METH_NOARGS, nullptr};

constexpr std::array kAttachParameters{"loop",        "on_request",   "on_cancel",
                                       "on_shutdown", "on_credit",    "on_stacks",
                                       "on_taken",    "on_log_level", "before_answers"};
constexpr Signature kAttach{"attach", kAttachParameters, 4};

Reference attach(PyObject* self, Arguments& arguments) {
  Channel::Callbacks callbacks{steal(PyCFunction_New(&receive_callback, self)),
                               steal(PyCFunction_New(&flush_callback, self)),
                               steal(PyCFunction_New(&writable_callback, self))};
  if (!callbacks.receive || !callbacks.flush || !callbacks.writable) return nullptr;
  std::array<PyObject*, kAttachParameters.size()> called{};
  for (std::size_t i = 1; i < called.size(); ++i) {
    if (i < kAttach.required || arguments.get(i) != Py_None) called[i] = arguments.get(i);
    if (called[i] == nullptr || PyCallable_Check(called[i]) != 0) continue;
    PyErr_Format(PyExc_TypeError, "attach(): %s must be callable", kAttachParameters[i]);
    return nullptr;
  }
  Channel::Handlers handlers{share(called[1]), share(called[2]), share(called[3]),
                             share(called[4]), share(called[5]), share(called[6]),
                             share(called[7]), share(called[8])};
  const bool done =
      channel_of(self).attach(arguments.get(0), std::move(handlers), std::move(callbacks));
  return done ? none() : nullptr;
}

constexpr Signature kDetach{"detach", {}, 0};

Reference detach(PyObject* self, Arguments& /*arguments*/) {
  return channel_of(self).detach() ? none() : nullptr;
}

constexpr std::array kBeginParameters{"slot", "id"};
constexpr Signature kBegin{"begin", kBeginParameters, 2};

Reference begin(PyObject* self, Arguments& arguments) {
  Channel& channel = channel_of(self);
  const auto slot = arguments.number(0, 0, channel.vitals().window() - 1);
  const auto id = slot ? arguments.number(1, 1, UINT64_MAX) : std::nullopt;
  if (!id) return nullptr;
  if (channel.io().is_own_process()) channel.vitals().begin(static_cast<std::uint32_t>(*slot), *id);
  return none();
}

// stepped(coroutine, id): called for every task, so no Signature.
PyObject* stepped(PyObject* self, PyObject* const* values, Py_ssize_t count) {
  if (count != 2) {
    PyErr_SetString(PyExc_TypeError, "stepped() needs a coroutine and an id");
    return nullptr;
  }
  const std::uint64_t id = PyLong_AsUnsignedLongLong(values[1]);
  if (id == UINT64_MAX && PyErr_Occurred() != nullptr) return nullptr;
  return make_stepped(channel_of(self).vitals(), values[0], id).release();
}

// take_first_step(coroutine, id, slot, variable, value): called for every request, so no Signature.
PyObject* first_step(PyObject* self, PyObject* const* values, Py_ssize_t count) {
  if (count != 5) {
    PyErr_SetString(PyExc_TypeError,
                    "take_first_step() needs a coroutine, an id, a slot, a variable and its value");
    return nullptr;
  }
  VitalsPage& vitals = channel_of(self).vitals();
  const std::uint64_t id = PyLong_AsUnsignedLongLong(values[1]);
  const unsigned long slot = PyLong_AsUnsignedLong(values[2]);
  if (PyErr_Occurred() != nullptr) return nullptr;
  if (slot >= vitals.window()) {
    PyErr_Format(PyExc_ValueError, "take_first_step(): slot must be 0 to %u, not %lu",
                 vitals.window() - 1, slot);
    return nullptr;
  }
  return take_first_step(vitals, {.coroutine = values[0],
                                  .variable = values[3],
                                  .value = values[4],
                                  .request = id,
                                  .slot = static_cast<std::uint32_t>(slot)})
      .release();
}

PyObject* first_step_taken(PyObject* /*self*/, PyObject* /*none*/) {
  return first_step_being_taken().release();
}

// run_as(id, function, *arguments, **keywords): the values of any call, so no Signature.
PyObject* run_as(PyObject* /*self*/, PyObject* const* values, Py_ssize_t count,
                 PyObject* keywords) {
  if (count < 2) {
    PyErr_SetString(PyExc_TypeError, "run_as() needs an id and a function");
    return nullptr;
  }
  const std::uint64_t id = PyLong_AsUnsignedLongLong(values[0]);
  if (id == UINT64_MAX && PyErr_Occurred() != nullptr) return nullptr;
  const RequestScope scope(id);
  return PyObject_Vectorcall(values[1], values + 2, static_cast<std::size_t>(count - 2), keywords);
}

// exit(status, id): as os._exit, and tells whose code it is.
PyObject* exit(PyObject* self, PyObject* const* values, Py_ssize_t count) {
  if (count != 2) {
    PyErr_SetString(PyExc_TypeError, "exit() needs a status and an id");
    return nullptr;
  }
  const long status = PyLong_AsLong(values[0]);
  if (status == -1 && PyErr_Occurred() != nullptr) return nullptr;
  const std::uint64_t id = PyLong_AsUnsignedLongLong(values[1]);
  if (id == UINT64_MAX && PyErr_Occurred() != nullptr) return nullptr;
  if (status < INT_MIN || status > INT_MAX) {
    PyErr_SetString(PyExc_OverflowError, "exit(): the status does not fit a C int");
    return nullptr;
  }
  if (channel_of(self).io().is_own_process()) tell_culprit(channel_of(self).vitals(), id);
  _exit(static_cast<int>(status));
}

constexpr std::size_t kMaxRouteText = 1024;

// The route of an answer: optional, cut when it is long.
BoundedText route(Arguments& arguments, std::size_t index) {
  if (arguments.get(index) == nullptr) return {{}, kMaxRouteText};
  const auto text = arguments.text(index, Surrogates::kBackslash);
  if (!text) PyErr_Clear();
  return {text.value_or(std::string_view()), kMaxRouteText};
}

// A smaller body is copied behind its frame's head, which costs less than writing in two parts.
constexpr std::size_t kLargestCopiedBody = std::size_t{16} << 10;

class KeptBytes final : public Keeper {
 public:
  explicit KeptBytes(PyObject* bytes) : bytes_(share(bytes)) {}
  bool shared() const override { return Py_REFCNT(bytes_.get()) > 1; }

 private:
  Reference bytes_;
};

constexpr std::array kRespondParameters{"id", "status", "headers", "body", "route"};
constexpr Signature kRespond{"respond", kRespondParameters, 4};

Reference respond(PyObject* self, Arguments& arguments) {
  const auto id = arguments.number(0, 1, UINT64_MAX);
  const auto status = id ? arguments.number(1, 100, 999) : std::nullopt;
  auto headers = status ? arguments.headers(2) : std::nullopt;
  const auto body = headers ? arguments.bytes(3) : std::nullopt;
  if (!body) return nullptr;
  if (body->size() > protocol::kMaxBodyBytes) {
    PyErr_Format(PyExc_ValueError, "respond(): a body of %zu bytes is over the limit of %zu",
                 body->size(), protocol::kMaxBodyBytes);
    return nullptr;
  }
  const BoundedText of_route = route(arguments, 4);
  Channel& channel = channel_of(self);
  const protocol::Response response{.id = *id,
                                    .status = static_cast<std::uint32_t>(*status),
                                    .headers = std::move(*headers),
                                    .body = *body,
                                    .route = of_route.view()};
  // Only bytes do not change until they are written.
  if (body->size() > kLargestCopiedBody && PyBytes_CheckExact(arguments.get(3))) {
    channel.io().queue_response(response, std::make_unique<KeptBytes>(arguments.get(3)));
  } else {
    channel.io().queue(response);
  }
  channel.output_queued();
  return none();
}

constexpr std::array kFailParameters{"id",   "status", "kind",    "error_code",
                                     "desc", "detail", "headers", "route"};
constexpr Signature kFail{"fail", kFailParameters, 6};
constexpr std::size_t kMaxKindText = 256;

Reference fail(PyObject* self, Arguments& arguments) {
  const auto id = arguments.number(0, 1, UINT64_MAX);
  const auto status = id ? arguments.number(1, 100, 999) : std::nullopt;
  const auto kind = status ? arguments.text(2, Surrogates::kBackslash) : std::nullopt;
  const auto error_code = kind ? arguments.number(3, 0, UINT32_MAX) : std::nullopt;
  const auto desc = error_code ? arguments.text(4, Surrogates::kBackslash) : std::nullopt;
  const auto detail = desc ? arguments.text(5, Surrogates::kBackslash) : std::nullopt;
  auto headers = detail ? arguments.headers(6) : std::nullopt;
  if (!headers) return nullptr;
  const BoundedText bounded_kind(*kind, kMaxKindText);
  const BoundedText bounded_desc(*desc, kMaxErrorText);
  const BoundedText bounded_detail(*detail, kMaxErrorText);
  const BoundedText of_route = route(arguments, 7);
  Channel& channel = channel_of(self);
  channel.io().queue(protocol::Failure{.id = *id,
                                       .status = static_cast<std::uint32_t>(*status),
                                       .kind = bounded_kind.view(),
                                       .error_code = static_cast<std::uint32_t>(*error_code),
                                       .desc = bounded_desc.view(),
                                       .detail = bounded_detail.view(),
                                       .headers = std::move(*headers),
                                       .route = of_route.view()});
  channel.output_queued();
  return none();
}

constexpr std::array kStreamHeadParameters{"id", "status", "headers", "route"};
constexpr Signature kStreamHead{"stream_head", kStreamHeadParameters, 3};

Reference stream_head(PyObject* self, Arguments& arguments) {
  const auto id = arguments.number(0, 1, UINT64_MAX);
  const auto status = id ? arguments.number(1, 100, 999) : std::nullopt;
  auto headers = status ? arguments.headers(2) : std::nullopt;
  if (!headers) return nullptr;
  const BoundedText of_route = route(arguments, 3);
  Channel& channel = channel_of(self);
  channel.io().queue(protocol::StreamHead{.id = *id,
                                          .status = static_cast<std::uint32_t>(*status),
                                          .headers = std::move(*headers),
                                          .route = of_route.view()});
  channel.output_queued();
  return none();
}

constexpr std::array kStreamChunkParameters{"id", "data"};
constexpr Signature kStreamChunk{"stream_chunk", kStreamChunkParameters, 2};

Reference stream_chunk(PyObject* self, Arguments& arguments) {
  const auto id = arguments.number(0, 1, UINT64_MAX);
  const auto data = id ? arguments.bytes(1) : std::nullopt;
  if (!data) return nullptr;
  if (data->size() > protocol::kInitialCredit) {
    PyErr_Format(PyExc_ValueError, "stream_chunk(): %zu bytes are over the limit of %zu",
                 data->size(), protocol::kInitialCredit);
    return nullptr;
  }
  Channel& channel = channel_of(self);
  channel.io().queue(protocol::StreamChunk{.id = *id, .bytes = *data});
  channel.output_queued();
  return none();
}

constexpr std::array kStreamEndParameters{"id", "error"};
constexpr Signature kStreamEnd{"stream_end", kStreamEndParameters, 1};

Reference stream_end(PyObject* self, Arguments& arguments) {
  const auto id = arguments.number(0, 1, UINT64_MAX);
  if (!id) return nullptr;
  const bool whole = arguments.get(1) == nullptr;
  const auto error = whole ? std::string_view() : arguments.text(1, Surrogates::kBackslash);
  if (!error) return nullptr;
  const BoundedText bounded_error(*error, kMaxErrorText);
  Channel& channel = channel_of(self);
  channel.io().queue(protocol::StreamEnd{.id = *id, .error = bounded_error.view()});
  channel.output_queued();
  return none();
}

constexpr std::array kMetricParameters{"kind", "name", "help", "labels", "values"};
constexpr Signature kMetric{"metric", kMetricParameters, 5};

Reference metric(PyObject* self, Arguments& arguments) {
  const auto kind = arguments.text(0, Surrogates::kBackslash);
  const auto name = kind ? arguments.text(1, Surrogates::kBackslash) : std::nullopt;
  const auto help = name ? arguments.text(2, Surrogates::kBackslash) : std::nullopt;
  auto labels = help ? arguments.headers(3) : std::nullopt;
  auto values = labels ? arguments.numbers(4) : std::nullopt;
  if (!values) return nullptr;
  const BoundedText bounded_name(*name, kMaxKindText);
  const BoundedText bounded_help(*help, kMaxErrorText);
  Channel& channel = channel_of(self);
  channel.io().queue(protocol::Metric{.kind = *kind,
                                      .name = bounded_name.view(),
                                      .help = bounded_help.view(),
                                      .labels = std::move(*labels),
                                      .values = std::move(*values)});
  channel.output_queued();
  return none();
}

constexpr std::array kStacksParameters{"id", "text"};
constexpr Signature kStacks{"stacks", kStacksParameters, 2};
constexpr std::size_t kMaxStacksText = std::size_t{256} << 10;

Reference stacks(PyObject* self, Arguments& arguments) {
  const auto id = arguments.number(0, 0, UINT64_MAX);
  const auto text = id ? arguments.text(1, Surrogates::kBackslash) : std::nullopt;
  if (!text) return nullptr;
  const BoundedText bounded_text(*text, kMaxStacksText);
  Channel& channel = channel_of(self);
  channel.io().queue(protocol::Stacks{.id = *id, .text = bounded_text.view()});
  channel.output_queued();
  return none();
}

constexpr std::array kLogParameters{"level", "request_id", "text"};
constexpr Signature kLog{"log", kLogParameters, 3};
constexpr std::size_t kMaxRequestIdText = 4096;

Reference log(PyObject* self, Arguments& arguments) {
  constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};
  const auto level = arguments.text(0, Surrogates::kBackslash);
  const auto request_id = level ? arguments.text(1, Surrogates::kBackslash) : std::nullopt;
  const auto text = request_id ? arguments.text(2, Surrogates::kBackslash) : std::nullopt;
  if (!text) return nullptr;
  if (std::ranges::find(kLevels, *level) == kLevels.end()) {
    PyErr_Format(PyExc_ValueError, "log(): level must be debug, info, warning or error, not %R",
                 arguments.get(0));
    return nullptr;
  }
  const BoundedText bounded_id(*request_id, kMaxRequestIdText);
  const BoundedText bounded_text(*text, kMaxLogText);
  Channel& channel = channel_of(self);
  channel.io().queue_log(
      {.level = *level, .request_id = bounded_id.view(), .text = bounded_text.view()});
  channel.write();
  return none();
}

// Returns only when the supervisor has the message: what follows may be the end of the process.
Reference written_out(Channel& channel, const char* method) {
  if (channel.flush(kStartReportLimit) == WriteState::kWritten) return none();
  PyErr_Format(PyExc_TimeoutError, "%s(): the supervisor did not take the message within %lld ms",
               method, static_cast<long long>(kStartReportLimit.count()));
  return nullptr;
}

constexpr std::array kReadyParameters{"lambda_type", "event_loop"};
constexpr Signature kReady{"ready", kReadyParameters, 2};

Reference ready(PyObject* self, Arguments& arguments) {
  const auto lambda_type = arguments.text(0, Surrogates::kBackslash);
  const auto event_loop = lambda_type ? arguments.text(1, Surrogates::kBackslash) : std::nullopt;
  if (!event_loop) return nullptr;
  Channel& channel = channel_of(self);
  channel.io().queue(protocol::Ready{.lambda_type = *lambda_type, .event_loop = *event_loop});
  return written_out(channel, kReady.method);
}

constexpr std::array kStartFailedParameters{"stage", "text", "traceback"};
constexpr Signature kStartFailed{"start_failed", kStartFailedParameters, 3};

Reference start_failed(PyObject* self, Arguments& arguments) {
  const auto stage = arguments.text(0, Surrogates::kBackslash);
  const auto text = stage ? arguments.text(1, Surrogates::kBackslash) : std::nullopt;
  const auto traceback = text ? arguments.text(2, Surrogates::kBackslash) : std::nullopt;
  if (!traceback) return nullptr;
  const BoundedText bounded_text(*text, kMaxErrorText);
  const BoundedText bounded_traceback(*traceback, kMaxErrorText);
  Channel& channel = channel_of(self);
  channel.io().queue(protocol::StartFailed{
      .stage = *stage, .text = bounded_text.view(), .traceback = bounded_traceback.view()});
  return written_out(channel, kStartFailed.method);
}

constexpr std::array kFlushParameters{"timeout"};
constexpr Signature kFlush{"flush", kFlushParameters, 1};

Reference flush(PyObject* self, Arguments& arguments) {
  const auto timeout = arguments.seconds(0);
  if (!timeout) return nullptr;
  const std::chrono::duration<double> limit(std::min(*timeout, kLongestFlush));
  const WriteState state = channel_of(self).flush(std::chrono::ceil<milliseconds>(limit));
  return steal(PyBool_FromLong(state == WriteState::kWritten ? 1 : 0));
}

template <const Signature& kSignature, Reference (*kMethod)(PyObject*, Arguments&)>
PyMethodDef define(const char* doc) {
  auto* const function = &method<kSignature, kMethod>;
  return {kSignature.method, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)),
          METH_FASTCALL | METH_KEYWORDS, doc};
}

}  // namespace

PyMethodDef channel_methods[] = {
    define<kAttach, attach>("Starts to deliver messages on the loop."),
    define<kDetach, detach>("Ends what attach() began."),
    define<kBegin, begin>("Marks a request as begun: user code runs from now on."),
    {"stepped", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&stepped)),
     METH_FASTCALL, "The coroutine, telling whose code it is whenever it takes a step."},
    {"take_first_step", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&first_step)),
     METH_FASTCALL, "Begins a request's coroutine without a task; None when it has returned."},
    {"first_step", &first_step_taken, METH_NOARGS,
     "What take_first_step() is at; None for nothing."},
    {"run_as", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&run_as)),
     METH_FASTCALL | METH_KEYWORDS, "Calls a function as code of a request, in this thread."},
    {"exit", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&exit)), METH_FASTCALL,
     "os._exit(status), telling whose code it is; id is for a thread of nobody."},
    define<kRespond, respond>("Queues the response to a request."),
    define<kFail, fail>("Queues an error as the answer to a request."),
    define<kStreamHead, stream_head>("Queues the head of a response whose body follows in pieces."),
    define<kStreamChunk, stream_chunk>("Queues a piece of a streamed body."),
    define<kStreamEnd, stream_end>("Queues the end of a streamed body, or why there is none."),
    define<kMetric, metric>("Queues what changed in one series of the lambda's metrics."),
    define<kStacks, stacks>("Queues what the tasks wait for, as the answer to on_stacks(id)."),
    define<kLog, log>("Writes a line to the supervisor's log at once."),
    define<kReady, ready>("Says that the lambda is started; returns when that is written."),
    define<kStartFailed, start_failed>("Says that the start failed; returns when that is written."),
    define<kFlush, flush>(
        "Waits up to timeout seconds until everything queued is written; True when it is."),
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace lambdapool::worker::python
