// Which of the bytes that wait to be written are log lines, so that a supervisor that does not read
// them costs a bounded amount of memory and never an answer.
//
// Positions count all bytes ever queued on the stream. Invariant: waiting() is the sum of the log
// frames that are not wholly written, and never over kMaxWaitingLogBytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

namespace lambdapool::worker {

inline constexpr std::size_t kMaxWaitingLogBytes = std::size_t{1} << 20;

class LogBudget {
 public:
  std::size_t waiting() const { return waiting_; }
  bool has_room_for(std::size_t bytes) const { return waiting_ + bytes <= kMaxWaitingLogBytes; }

  // A log frame of `bytes` was queued and ends at stream position `end`.
  void queued(std::uint64_t end, std::size_t bytes) {
    frames_.push_back({end, bytes});
    waiting_ += bytes;
  }

  // Everything before stream position `position` is written.
  void written(std::uint64_t position) {
    while (!frames_.empty() && frames_.front().end <= position) {
      waiting_ -= frames_.front().bytes;
      frames_.pop_front();
    }
  }

  void dropped() { ++dropped_; }
  bool has_dropped() const { return dropped_ > 0; }
  std::uint64_t take_dropped() { return std::exchange(dropped_, 0); }

 private:
  struct Frame {
    std::uint64_t end;
    std::size_t bytes;
  };

  std::deque<Frame> frames_;
  std::size_t waiting_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace lambdapool::worker
