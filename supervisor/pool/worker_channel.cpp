#include "supervisor/pool/worker_channel.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "protocol/frame.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::size_t kFairReadBytes = std::size_t{1} << 20;
// More than any socket holds: what a dead worker left is less, what a living child of its writes is
// not waited for.
constexpr std::size_t kMostLeftBehind = std::size_t{64} << 20;
constexpr std::size_t kKeptOutput = std::size_t{1} << 20;

}  // namespace

WorkerChannel::WorkerChannel(uv::Loop& loop, uv::FileDescriptor socket, ChannelEvents& events)
    : socket_(std::move(socket)),
      events_(events),
      poll_(loop, socket_.get(), [this](uv::Watch what) { on_ready(what); }),
      turn_end_(loop, [this] { flush(); }),
      decoder_(protocol::kMaxFrameBytes),
      memories_timer_(loop, [this] { forget_unused(); }) {
  poll_.watch(uv::Watch::kReadable);
}

void WorkerChannel::on_ready(uv::Watch what) {
  if (what != uv::Watch::kReadable) flush();
  if (what != uv::Watch::kWritable) read(kFairReadBytes);
}

void WorkerChannel::drain() { read(kMostLeftBehind); }

void WorkerChannel::close() {
  open_ = false;
  poll_.stop();
  memories_timer_.stop();
}

void WorkerChannel::read(std::size_t most) {
  std::size_t taken = 0;
  while (open_ && taken < most) {
    const auto space = decoder_.space();
    // Descriptors that a worker sends are closed by the kernel: no room is given for them.
    const ssize_t count = recv(socket_.get(), space.data(), space.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count <= 0) {
      close();
      events_.on_channel_closed();
      return;
    }
    decoder_.filled(static_cast<std::size_t>(count));
    taken += static_cast<std::size_t>(count);
    if (!decode()) return;
    // A short read has emptied the socket; asking again would only cost a system call.
    if (static_cast<std::size_t>(count) < space.size() && most == kFairReadBytes) return;
  }
}

// False when the channel is closed now.
bool WorkerChannel::decode() {
  while (open_) {
    const auto frame = decoder_.next();
    if (!frame) {
      close();
      events_.on_protocol_error(to_string(frame.error()));
      return false;
    }
    const auto& bytes = *frame;
    if (!bytes) return true;
    const auto message = protocol::decode_up(*bytes);
    if (!message) {
      close();
      events_.on_protocol_error(message.error().text);
      return false;
    }
    events_.on_message(*message);
  }
  return false;
}

void WorkerChannel::send_request(std::uint64_t id, std::uint32_t slot, std::uint32_t time_left_ms,
                                 std::string_view request_fields, Body& body) {
  if (!body.in_memory()) {
    return send_request(id, slot, time_left_ms, request_fields, body.view());
  }
  const bool is_kept = body.memory()->capacity() <= KnownMemories::kLargest;
  const std::uint64_t number = is_kept ? body.memory()->number() : 0;
  const auto now = std::chrono::steady_clock::now();
  if (is_kept && memories_.use(number, now)) {
    body.lend_again();
  } else {
    // One of the channel's own: the request may have its end before this is sent.
    uv::FileDescriptor memory = body.lend();
    if (!memory.open()) {
      return send_request(id, slot, time_left_ms, request_fields, body.view());
    }
    if (is_kept) {
      if (const auto forgotten = memories_.add(number, now)) forget_memory(*forgotten);
      if (!memories_timer_.active()) memories_timer_.start(KnownMemories::kKept);
    }
    outgoing_.add(position_ + unsent(), std::move(memory));
  }
  protocol::append_request_with_memory(out_, id, slot, time_left_ms, request_fields, body.size(),
                                       number);
  ++frames_sent_;
}

void WorkerChannel::forget_unused() {
  for (const std::uint64_t number : memories_.take_unused(std::chrono::steady_clock::now())) {
    forget_memory(number);
  }
  if (!memories_.empty()) memories_timer_.start(KnownMemories::kKept);
}

void WorkerChannel::flush() {
  if (!open_ || unsent() == 0) return;
  while (unsent() > 0) {
    const ssize_t count =
        outgoing_.send(socket_.get(), std::string_view(out_).substr(sent_), position_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      poll_.watch(uv::Watch::kBoth);
      // A worker that is always a little behind must not keep all that it has read.
      if (sent_ > kKeptOutput) out_.erase(0, std::exchange(sent_, 0));
      return;
    }
    // A broken socket is learnt by reading; what cannot be sent any more goes with the worker.
    if (count < 0) {
      position_ += unsent();
      outgoing_ = {};
      break;
    }
    sent_ += static_cast<std::size_t>(count);
    position_ += static_cast<std::uint64_t>(count);
  }
  sent_ = 0;
  out_.clear();
  if (out_.capacity() > kKeptOutput) out_.shrink_to_fit();
  poll_.watch(uv::Watch::kReadable);
}

}  // namespace lambdapool::supervisor
