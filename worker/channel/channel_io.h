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
#include "worker/channel/answer_memory.h"
#include "worker/channel/body_memories.h"
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
  // Gives it memory for the bodies of responses. Without, all of them go in frames.
  void use_answer_memory(protocol::FileDescriptor memory, std::size_t capacity) {
    answer_memory_.emplace(std::move(memory), capacity);
  }
  // Queues a response with a large body. The body is put into the answer memory, at once or when
  // there is room; or it goes in the frame, but is not copied. `keeper` holds the body's bytes and
  // is destroyed when they are needed no more.
  void queue_response(const protocol::Response& response, std::unique_ptr<Keeper> keeper);
  // The memory that has come with the request that next_frame() gave; not open when the process has
  // no descriptor left, nothing when none came.
  std::optional<protocol::FileDescriptor> take_descriptor() { return incoming_.take(); }
  BodyMemories& body_memories() { return body_memories_; }
  // Whether descriptors have come that no frame names.
  bool has_surplus_descriptor() const { return incoming_.surplus(decoder_.pending() == 0); }
  // The supervisor says what it needs no more of the answer memory. False: it was not in use.
  bool memory_free(std::uint64_t place);
  void memory_idle() {
    if (answer_memory_) answer_memory_->forget();
  }
  // Queues a line for the supervisor's log, or drops and counts it when too many wait. In a forked
  // child the line goes to standard error.
  void queue_log(const protocol::Log& message);

  // What waits to be written. A response that waits for room in the answer memory is not in it.
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
  // A response that waits for room: its frame with the body in memory, and the one around the body.
  struct Held {
    std::string in_memory;
    std::string around_body;
    std::size_t place;  // Of the body in the latter.
    std::string_view body;
    std::unique_ptr<Keeper> keeper;
  };
  bool put_into_memory(const protocol::Response& response, std::unique_ptr<Keeper>& keeper);
  void queue_held();
  void queue_held_in_frames();
  ssize_t write_some();
  WriteState write_output();

  int fd_;
  OwnProcess process_;
  protocol::FrameDecoder decoder_;
  protocol::IncomingDescriptors incoming_;
  std::string output_;
  std::deque<Lent> lent_;
  std::size_t lent_bytes_ = 0;
  BodyMemories body_memories_;
  std::optional<AnswerMemory> answer_memory_;
  std::deque<Held> held_;
  std::size_t written_ = 0;         // How much of output_ is written.
  std::uint64_t stream_start_ = 0;  // The stream position of output_'s first byte.
  LogBudget logs_;
};

}  // namespace lambdapool::worker
