#include "worker/python/channel.h"

#include <algorithm>
#include <string>

#include "protocol/codec.h"
#include "protocol/unused_pages.h"
#include "worker/clock.h"
#include "worker/process.h"
#include "worker/python/deliver.h"
#include "worker/python/error.h"

namespace lambdapool::worker::python {
namespace {

// Input taken in one turn of the loop, so that tasks get their turn while requests pour in.
constexpr std::size_t kReceiveBytes = std::size_t{1} << 20;
// LUNA's code of "Lambda exception".
constexpr std::uint32_t kLambdaException = 42004;

// A flag that is true as long as this lives, also when an exception ends that.
class Raised {
 public:
  explicit Raised(bool& flag) : flag_(flag) { flag_ = true; }
  ~Raised() { flag_ = false; }
  Raised(const Raised&) = delete;
  Raised& operator=(const Raised&) = delete;

 private:
  bool& flag_;
};

// loop.method(first[, second]); false with an exception pending.
bool call_loop(const Reference& loop, const char* method, const Reference& first,
               const Reference& second = nullptr) {
  const Reference name = steal(PyUnicode_InternFromString(method));
  if (!name || !first) return false;
  PyObject* const arguments[] = {loop.get(), first.get(), second.get()};
  const std::size_t count = second ? 3 : 2;
  return steal(PyObject_VectorcallMethod(name.get(), arguments, count, nullptr)) != nullptr;
}

}  // namespace

bool Channel::attach(PyObject* loop, Handlers handlers, Callbacks callbacks) {
  if (!io_.is_own_process()) return true;
  if (is_attached()) {
    PyErr_SetString(PyExc_RuntimeError, "attach(): the channel is attached already");
    return false;
  }
  const Reference shared_loop = share(loop);
  if (!call_loop(shared_loop, "add_reader", steal(PyLong_FromLong(io_.fd())), callbacks.receive))
    return false;
  loop_ = share(loop);
  handlers_ = std::move(handlers);
  callbacks_ = std::move(callbacks);
  loop_thread_ = PyThread_get_thread_ident();
  flush_scheduled_ = watching_writable_ = false;
  // Frames may have come together with `start`, and output may wait from before.
  if (io_.has_input() && !call_loop(loop_, "call_soon", share(callbacks_.receive.get()))) {
    print_error("the channel's loop");
  }
  if (io_.waiting() > 0) output_queued();
  // uvloop's loops have a quarter of a megabyte to read into, which the channel does without.
  protocol::let_go_of_zeros(
      {reinterpret_cast<char*>(loop), static_cast<std::size_t>(Py_TYPE(loop)->tp_basicsize)});
  return true;
}

bool Channel::detach() {
  if (!io_.is_own_process() || !is_attached()) return true;
  stop_watching_writable();
  const Reference loop = std::move(loop_);
  const bool removed = call_loop(loop, "remove_reader", steal(PyLong_FromLong(io_.fd())));
  clear();
  write();
  return removed;
}

void Channel::receive() {
  // A handler that runs the loop itself would otherwise invalidate the frame it was called for.
  if (receiving_ || !io_.is_own_process()) return;
  take_input();
  start_taken();
  if (io_.waiting() > 0) write();
}

void Channel::start_taken() {
  if (!is_attached() || !handlers_.on_taken) return;
  const Raised raised(starting_);
  gathered_since_ = coarse_now();
  const Reference handler = share(handlers_.on_taken.get());
  if (!steal(PyObject_CallNoArgs(handler.get()))) print_error("the host's on_taken");
  if (io_.waiting() > 0) call_before_answers();
}

void Channel::call_before_answers() {
  if (!handlers_.before_answers) return;
  const Reference handler = share(handlers_.before_answers.get());
  if (!steal(PyObject_CallNoArgs(handler.get()))) print_error("the host's before_answers");
}

void Channel::take_input() {
  const Raised raised(receiving_);
  std::size_t taken = 0;
  take_frames();
  while (is_attached() && taken < kReceiveBytes) {
    const Received received = io_.receive();
    if (received.state == ReceiveState::kEnd) end_without_supervisor();
    taken += received.bytes;
    take_frames();
    if (received.state == ReceiveState::kDrained) break;
  }
}

void Channel::take_frames() {
  while (is_attached()) {
    const auto frame = io_.next_frame();
    if (!frame) end_by_framing_error(std::string(protocol::to_string(frame.error())));
    const std::optional<std::string_view> payload = *frame;
    if (!payload) {
      if (io_.has_surplus_descriptor()) end_by_framing_error("a descriptor that no frame names");
      return;
    }
    const auto message = protocol::decode_down(*payload);
    if (!message) end_by_framing_error(message.error().text);
    vitals_.frame_taken();
    std::visit([this](const auto& known) { deliver(known); }, *message);
  }
}

void Channel::deliver(const protocol::Start& /*start*/) { end_by_framing_error("a second start"); }

void Channel::deliver(const protocol::Request& request) {
  if (request.slot >= vitals_.window()) {
    end_by_framing_error("request in slot " + std::to_string(request.slot) + " of a window of " +
                         std::to_string(vitals_.window()));
  }
  const Reference body = receive_body(request);
  if (!body) return refuse(request);
  if (!call_with(handlers_.on_request, request, body)) print_error("the host's on_request");
}

// Null with an exception pending when the process has no room for it.
Reference Channel::receive_body(const protocol::Request& request) {
  if (request.body_in_memory == 0) return make_bytes(request.body);
  if (request.memory == 0) return read_body(take_descriptor().get(), request.body_in_memory);
  BodyMemories& memories = io_.body_memories();
  if (!memories.knows(request.memory) && !memories.add(request.memory, take_descriptor())) {
    io_.queue(protocol::MemoryRefused{request.memory});
  }
  const auto body = memories.read(request.memory, request.body_in_memory);
  if (body) return make_bytes(*body);
  if (body.error() == BodyMemoryError::kTooSmall) {
    end_by_framing_error("a request whose body does not lie in its memory");
  }
  PyErr_SetFromErrno(PyExc_OSError);
  return nullptr;
}

protocol::FileDescriptor Channel::take_descriptor() {
  auto descriptor = io_.take_descriptor();
  if (!descriptor) end_by_framing_error("a request whose memory has not come with it");
  return *std::move(descriptor);
}

// Answers a request whose body could not be received.
void Channel::refuse(const protocol::Request& request) {
  const ErrorText error = take_error();
  const std::string detail = "the request's body of " +
                             std::to_string(std::max(request.body.size(), request.body_in_memory)) +
                             " bytes could not be received: " + error.summary;
  io_.queue(protocol::Failure{.id = request.id,
                              .status = 500,
                              .kind = "lambda_exception",
                              .error_code = kLambdaException,
                              .desc = "Lambda exception",
                              .detail = detail,
                              .headers = {}});
}

void Channel::deliver(const protocol::Cancel& cancel) {
  if (!call_with(handlers_.on_cancel, cancel)) print_error("the host's on_cancel");
}

void Channel::deliver(const protocol::Shutdown& shutdown) {
  if (!call_with(handlers_.on_shutdown, shutdown)) print_error("the host's on_shutdown");
}

void Channel::deliver(const protocol::Credit& credit) {
  if (!handlers_.on_credit) return;
  if (!call_with(handlers_.on_credit, credit)) print_error("the host's on_credit");
}

void Channel::deliver(const protocol::AskStacks& asked) {
  if (!handlers_.on_stacks) return;
  if (!call_with(handlers_.on_stacks, asked)) print_error("the host's on_stacks");
}

void Channel::deliver(const protocol::SetLogLevel& to) {
  if (!handlers_.on_log_level) return;
  if (!call_with(handlers_.on_log_level, to)) print_error("the host's on_log_level");
}

void Channel::deliver(const protocol::MemoryFree& free) {
  if (!io_.memory_free(free.place)) {
    end_by_framing_error("place " + std::to_string(free.place) + " of the memory is not in use");
  }
}

void Channel::deliver(const protocol::MemoryIdle& /*idle*/) { io_.memory_idle(); }

void Channel::deliver(const protocol::MemoryForgotten& forgotten) {
  if (!io_.body_memories().forget(forgotten.memory)) {
    end_by_framing_error("memory " + std::to_string(forgotten.memory) + " is not known");
  }
}

bool Channel::on_loop_thread() const { return PyThread_get_thread_ident() == loop_thread_; }

bool Channel::schedule(const Reference& callback) {
  static PyObject* const kCallSoon = PyUnicode_InternFromString("call_soon");
  static PyObject* const kCallSoonThreadsafe = PyUnicode_InternFromString("call_soon_threadsafe");
  PyObject* const arguments[] = {loop_.get(), callback.get()};
  return steal(PyObject_VectorcallMethod(on_loop_thread() ? kCallSoon : kCallSoonThreadsafe,
                                         arguments, 2, nullptr)) != nullptr;
}

void Channel::output_queued() {
  if (!is_attached()) return write();
  if (receiving_ || flush_scheduled_ || watching_writable_) return;
  if (starting_) {
    // Answers wait for those after them, but not once these have taken their time. (Whether the
    // next first step blocks, nobody can know before: what was answered just before it waits for
    // it.)
    if (const std::uint64_t now = coarse_now(); now != gathered_since_) {
      gathered_since_ = now;
      call_before_answers();
      write();
    }
    return;
  }
  flush_scheduled_ = true;
  if (schedule(callbacks_.flush)) return;
  // The loop is closed: nothing but this call will ever write.
  PyErr_Clear();
  flush_scheduled_ = false;
  write();
}

void Channel::write_scheduled() {
  flush_scheduled_ = false;
  write();
}

void Channel::write() {
  switch (io_.write()) {
    case WriteState::kGone:
      end_without_supervisor();
    case WriteState::kWritten:
      return stop_watching_writable();
    case WriteState::kBlocked:
      return watch_writable();
  }
}

void Channel::watch_writable() {
  if (!is_attached() || watching_writable_ || flush_scheduled_) return;
  bool done = false;
  if (on_loop_thread()) {
    watching_writable_ = done =
        call_loop(loop_, "add_writer", steal(PyLong_FromLong(io_.fd())), callbacks_.writable);
  } else {
    flush_scheduled_ = done = schedule(callbacks_.flush);
  }
  // A closed loop; flush() still works.
  if (!done) PyErr_Clear();
}

void Channel::stop_watching_writable() {
  if (!watching_writable_ || !is_attached() || !on_loop_thread()) return;
  watching_writable_ = false;
  if (!call_loop(loop_, "remove_writer", steal(PyLong_FromLong(io_.fd())))) PyErr_Clear();
}

WriteState Channel::flush(std::chrono::milliseconds limit) {
  const WriteState outcome = io_.flush(limit, [](int fd, std::chrono::milliseconds left) {
    PyThreadState* const state = PyEval_SaveThread();
    const bool writable = ChannelIo::wait_writable(fd, left);
    PyEval_RestoreThread(state);
    return writable;
  });
  if (outcome == WriteState::kGone) end_without_supervisor();
  return outcome;
}

int Channel::traverse(visitproc visit, void* arg) {
  for (const Reference* reference :
       {&loop_, &handlers_.on_request, &handlers_.on_cancel, &handlers_.on_shutdown,
        &handlers_.on_credit, &handlers_.on_stacks, &handlers_.on_taken, &handlers_.before_answers,
        &handlers_.on_log_level, &callbacks_.receive, &callbacks_.flush, &callbacks_.writable}) {
    Py_VISIT(reference->get());
  }
  return 0;
}

void Channel::clear() {
  const Reference loop = std::move(loop_);
  const Handlers handlers = std::move(handlers_);
  const Callbacks callbacks = std::move(callbacks_);
}

}  // namespace lambdapool::worker::python
