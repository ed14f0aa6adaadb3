// The worker's end of the socketpair: frames in, frames out, nothing of Python.
//
// Reads and writes never block (MSG_DONTWAIT, so that the descriptor's own flags stay as they are);
// only wait_frame() and flush() wait, each bounded. What is queued is written in the order in which
// it was queued. Invariants:
//   The output holds whole frames only, apart from the part of the first one that is already
//   written. A forked child has a copy of this object: there nothing is queued, read or written
//   (see is_own_process()).
// Not thread-safe: whoever shares it brings the lock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/codec.h"
#include "protocol/frame_decoder.h"
#include "protocol/passed_descriptors.h"
#include "worker/channel/log_budget.h"
#include "worker/channel/own_process.h"

namespace lambdapool::worker {

enum class ReceiveState {
  kMore,     // Bytes came and there may be more.
  kDrained,  // Bytes came, or none were there: wait until the descriptor is readable again.
  kEnd,      // The supervisor is gone.
};
struct Received {
  ReceiveState state;
  std::size_t bytes;
};

enum class WriteState {
  kWritten,  // Nothing waits.
  kBlocked,  // The socket is full: wait until the descriptor is writable.
  kGone,     // The supervisor is gone.
};

enum class WaitFrameError { kTimeout, kEnd, kFraming };

// Keeps alive what is to be written.
class Keeper {
 public:
  Keeper() = default;
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  virtual ~Keeper() = default;
};

class ChannelIo {
 public:
  // `fd` stays the caller's and outlives the object.
  explicit ChannelIo(int fd);
  ChannelIo(const ChannelIo&) = delete;
  ChannelIo& operator=(const ChannelIo&) = delete;

  int fd() const { return fd_; }

  // False in a child that was forked off the process that made the object.
  bool is_own_process() const { return process_.is_this(); }

  // Reads once. Ends the life of the payloads that next_frame() gave.
  Received receive();
  // The next whole payload, or nothing when more bytes are needed.
  std::expected<std::optional<std::string_view>, protocol::FrameError> next_frame() {
    return decoder_.next();
  }
  // True when bytes were read that no next_frame() has given yet.
  bool has_input() const { return decoder_.pending() > 0; }
  // Waits for one whole frame.
  std::expected<std::string_view, WaitFrameError> wait_frame(std::chrono::milliseconds limit);

  template <class Message>
  void queue(const Message& message) {
    if (!is_own_process()) return;
    append_whole([&] { protocol::append(output_, message); });
  }
  // Queues a response without copying its body: `keeper` holds the body's bytes and is destroyed
  // when they are written.
  void queue_response(const protocol::Response& response, std::unique_ptr<Keeper> keeper);
  // The memory that has come with the request that next_frame() gave; not open when the process has
  // no descriptor left, nothing when none came.
  std::optional<protocol::FileDescriptor> take_descriptor() { return incoming_.take(); }
  // Queues a line for the supervisor's log, or drops and counts it when too many wait. In a forked
  // child the line goes to standard error.
  void queue_log(const protocol::Log& message);

  std::size_t waiting() const { return output_.size() - written_ + lent_bytes_; }
  std::size_t waiting_log_bytes() const { return logs_.waiting(); }

  // Writes what the socket takes now.
  WriteState write();

  // A wait for the descriptor to become writable, so that a caller with a lock of its own can let
  // go of it. Gives false when the time is over.
  using WaitWritable = std::function<bool(int fd, std::chrono::milliseconds limit)>;
  static bool wait_writable(int fd, std::chrono::milliseconds limit);
  // Writes until nothing waits. kBlocked: the time was over first.
  WriteState flush(std::chrono::milliseconds limit, const WaitWritable& wait = wait_writable);

 private:
  // Runs `append`, which adds one frame to the output; when it throws, no part of the frame stays.
  template <class Append>
  void append_whole(Append append) {
    const std::size_t before = output_.size();
    try {
      append();
    } catch (...) {
      output_.resize(before);
      throw;
    }
  }
  void append_log(const protocol::Log& message);
  void report_dropped();
  void forget_written();
  // Bytes of somebody else's that go out before output_'s byte at `place`, in stream positions of
  // output_ alone.
  struct Lent {
    std::uint64_t place;
    std::string_view bytes;
    std::unique_ptr<Keeper> keeper;
  };
  ssize_t write_some();
  WriteState write_output();

  int fd_;
  OwnProcess process_;
  protocol::FrameDecoder decoder_;
  protocol::IncomingDescriptors incoming_;
  std::string output_;
  std::deque<Lent> lent_;
  std::size_t lent_bytes_ = 0;
  std::size_t written_ = 0;         // How much of output_ is written.
  std::uint64_t stream_start_ = 0;  // The stream position of output_'s first byte.
  LogBudget logs_;
};

}  // namespace lambdapool::worker
