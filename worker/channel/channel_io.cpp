#include "worker/channel/channel_io.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "protocol/frame.h"

namespace lambdapool::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// An output that was once large gives its memory back.
constexpr std::size_t kKeptOutput = std::size_t{1} << 20;

milliseconds left_until(steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
  return std::max(left, milliseconds{0});
}

// Waits until `events` or a hang-up is reported. False: the time is over.
bool wait_for(int fd, short events, milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  for (;;) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const auto left = std::min(left_until(deadline), milliseconds{60'000});
    const int count = poll(&entry, 1, static_cast<int>(left.count()));
    if (count > 0) return true;
    if (steady_clock::now() >= deadline) return false;
  }
}

// What a forked child has to say: one write, so that lines of several processes do not mix.
void write_to_standard_error(const protocol::Log& message) {
  std::string line(message.level);
  line += ": ";
  if (!message.request_id.empty()) line.append("[").append(message.request_id).append("] ");
  line.append(message.text).append("\n");
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

ChannelIo::ChannelIo(int fd) : fd_(fd), decoder_(protocol::kMaxFrameBytes) {}

Received ChannelIo::receive() {
  if (!is_own_process()) return {ReceiveState::kDrained, 0};
  const auto space = decoder_.space();
  for (;;) {
    const ssize_t count = incoming_.receive(fd_, space);
    if (count > 0) {
      const auto bytes = static_cast<std::size_t>(count);
      decoder_.filled(bytes);
      return {bytes < space.size() ? ReceiveState::kDrained : ReceiveState::kMore, bytes};
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return {ReceiveState::kDrained, 0};
    return {ReceiveState::kEnd, 0};
  }
}

std::expected<std::string_view, WaitFrameError> ChannelIo::wait_frame(milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  for (;;) {
    const auto frame = next_frame();
    if (!frame) return std::unexpected(WaitFrameError::kFraming);
    if (const std::optional<std::string_view> payload = *frame) return *payload;
    if (!wait_for(fd_, POLLIN, left_until(deadline)))
      return std::unexpected(WaitFrameError::kTimeout);
    if (receive().state == ReceiveState::kEnd) return std::unexpected(WaitFrameError::kEnd);
  }
}

void ChannelIo::queue_response(const protocol::Response& response, std::unique_ptr<Keeper> keeper) {
  if (!is_own_process() || put_into_memory(response, keeper)) return;
  append_whole([&] {
    const std::size_t place = protocol::append_around_body(output_, response);
    lent_.push_back({stream_start_ + place, response.body, std::move(keeper)});
  });
  lent_bytes_ += response.body.size();
}

// False when it has to go in the frame.
bool ChannelIo::put_into_memory(const protocol::Response& response,
                                std::unique_ptr<Keeper>& keeper) {
  if (!answer_memory_ || !answer_memory_->takes(response.body.size())) return false;
  protocol::Response in_memory = response;
  in_memory.body = {};
  in_memory.body_in_memory = response.body.size();
  // In the order in which they were queued.
  const auto place =
      held_.empty() ? answer_memory_->put(response.body, keeper) : std::optional<std::uint64_t>();
  if (place) {
    in_memory.place = *place;
    append_whole([&] { protocol::append(output_, in_memory); });
    return true;
  }
  if (!answer_memory_->takes(response.body.size())) return false;
  Held held{{}, {}, 0, response.body, nullptr};
  protocol::append(held.in_memory, in_memory);
  held.place = protocol::append_around_body(held.around_body, response);
  held.keeper = std::move(keeper);
  held_.push_back(std::move(held));
  return true;
}

bool ChannelIo::memory_free(std::uint64_t place) {
  if (!answer_memory_ || !answer_memory_->free(place)) return false;
  queue_held();
  return true;
}

void ChannelIo::queue_held() {
  while (answer_memory_ && !held_.empty()) {
    Held& next = held_.front();
    const auto place = answer_memory_->put(next.body, next.keeper);
    if (!place && answer_memory_->takes(next.body.size())) return;
    // The memory can be used no more.
    if (!place) return queue_held_in_frames();
    protocol::set_place(next.in_memory, *place);
    append_whole([&] { output_ += next.in_memory; });
    held_.pop_front();
  }
}

void ChannelIo::queue_held_in_frames() {
  for (; !held_.empty(); held_.pop_front()) {
    Held& next = held_.front();
    append_whole([&] {
      const std::size_t place = output_.size() + next.place;
      output_ += next.around_body;
      lent_.push_back({stream_start_ + place, next.body, std::move(next.keeper)});
    });
    lent_bytes_ += next.body.size();
  }
}

void ChannelIo::queue_log(const protocol::Log& message) {
  if (!is_own_process()) return write_to_standard_error(message);
  report_dropped();
  append_log(message);
}

void ChannelIo::append_log(const protocol::Log& message) {
  const std::size_t before = output_.size();
  append_whole([&] {
    protocol::append(output_, message);
    const std::size_t bytes = output_.size() - before;
    if (logs_.has_room_for(bytes)) {
      logs_.queued(stream_start_ + output_.size(), bytes);
    } else {
      logs_.dropped();
      output_.resize(before);
    }
  });
}

// Says how many lines are missing, in the place where they are.
void ChannelIo::report_dropped() {
  constexpr std::size_t kRoomForReport = 256;
  if (!logs_.has_dropped() || !logs_.has_room_for(kRoomForReport)) return;
  const std::string text = "dropped " + std::to_string(logs_.take_dropped()) +
                           " log lines: they came faster than the supervisor took them";
  append_log({.level = "warning", .request_id = {}, .text = text});
}

WriteState ChannelIo::write() {
  if (!is_own_process()) return WriteState::kWritten;
  if (answer_memory_) answer_memory_->let_go();
  const WriteState state = write_output();
  if (state != WriteState::kWritten || !logs_.has_dropped()) return state;
  report_dropped();
  return write_output();
}

WriteState ChannelIo::write_output() {
  while (waiting() > 0) {
    const ssize_t count = write_some();
    if (count >= 0) continue;
    if (errno == EAGAIN) {
      forget_written();
      return WriteState::kBlocked;
    } else if (errno != EINTR) {
      return WriteState::kGone;
    }
  }
  forget_written();
  return WriteState::kWritten;
}

// Writes what comes next in order, out of output_ and what was lent, in one system call.
ssize_t ChannelIo::write_some() {
  constexpr std::size_t kMostParts = 8;
  std::array<iovec, kMostParts> parts{};
  std::size_t count = 0;
  std::size_t from = written_;
  auto lent = lent_.begin();
  while (count < kMostParts && (from < output_.size() || lent != lent_.end())) {
    std::string_view next = std::string_view(output_).substr(from);
    if (lent != lent_.end()) next = next.substr(0, lent->place - stream_start_ - from);
    from += next.size();
    if (next.empty()) {
      next = lent->bytes;
      ++lent;
    }
    parts[count++] = {const_cast<char*>(next.data()), next.size()};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const ssize_t sent = sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  for (auto left = static_cast<std::size_t>(std::max<ssize_t>(sent, 0)); left > 0;) {
    std::size_t own = output_.size() - written_;
    if (!lent_.empty()) own = lent_.front().place - stream_start_ - written_;
    const std::size_t taken = std::min(left, own);
    written_ += taken;
    left -= taken;
    if (left == 0) break;
    std::string_view& bytes = lent_.front().bytes;
    const std::size_t of_lent = std::min(left, bytes.size());
    bytes.remove_prefix(of_lent);
    lent_bytes_ -= of_lent;
    left -= of_lent;
    if (bytes.empty()) lent_.pop_front();
  }
  return sent;
}

// Lets go of written bytes when that costs little: all of them at once, or the larger half.
void ChannelIo::forget_written() {
  logs_.written(stream_start_ + written_);
  if (written_ < output_.size() && written_ < std::max(output_.size() / 2, kKeptOutput)) return;
  stream_start_ += written_;
  output_.erase(0, written_);
  written_ = 0;
  if (output_.empty() && output_.capacity() > kKeptOutput) std::string().swap(output_);
}

bool ChannelIo::wait_writable(int fd, milliseconds limit) { return wait_for(fd, POLLOUT, limit); }

WriteState ChannelIo::flush(milliseconds limit, const WaitWritable& wait) {
  const auto deadline = steady_clock::now() + limit;
  // Nobody reads meanwhile that there is room.
  if (is_own_process()) queue_held_in_frames();
  for (;;) {
    const WriteState state = write();
    if (state != WriteState::kBlocked) return state;
    if (!wait(fd_, left_until(deadline))) return state;
  }
}

}  // namespace lambdapool::worker
