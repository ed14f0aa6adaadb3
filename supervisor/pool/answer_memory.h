// Shared memory of one worker for large response bodies: the worker puts a body there, and it is
// sent to the client from there, so that it neither goes through the socket nor is copied by us.
//
// Invariants: its size is sealed, and we read it by system calls alone, so that whatever the worker
// does to it can change the bytes of its own answers and nothing else. A body that its client does
// not take quickly is copied while the worker has other requests, whose answers may wait for the
// room; so is what is left of one when the worker is gone. The worker is told what is free; that
// can wait a little, for a request that is sent anyway.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/uv/file_descriptor.h"
#include "supervisor/uv/loop.h"
#include "supervisor/uv/stream.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

class AnswerMemory {
 public:
  static constexpr std::size_t kCapacity = std::size_t{64} << 20;

  struct Told {
    std::function<void(std::uint64_t place)> free;
    std::function<void()> idle;  // It has not been used for a while.
    std::function<bool()> busy;  // Asks whether the worker has requests to answer.
  };

  // Null when the system has none to give.
  static std::unique_ptr<AnswerMemory> create(uv::Loop& loop, Told told);
  ~AnswerMemory();
  AnswerMemory(const AnswerMemory&) = delete;
  AnswerMemory& operator=(const AnswerMemory&) = delete;

  // A descriptor for the worker; not open when there is none to be had.
  uv::FileDescriptor share() const;

  // The body that the worker has put there; null when that cannot be.
  std::unique_ptr<uv::Content> body(std::uint64_t place, std::uint64_t bytes);

  // Says what has become free since it was last said.
  void tell_free();

  std::size_t in_use() const { return bodies_.size(); }

 private:
  class Body;

  AnswerMemory(uv::Loop& loop, Told told, uv::FileDescriptor memory, const char* data);
  void release(Body& body);
  void watch();
  void on_timer();

  Told told_;
  uv::FileDescriptor memory_;
  const char* data_;
  std::vector<Body*> bodies_;
  std::vector<std::uint64_t> untold_;
  std::size_t untold_bytes_ = 0;
  bool watching_ = false;
  bool was_busy_ = false;  // At the last tick.
  uv::TimePoint used_;
  uv::Timer timer_;
};

}  // namespace lambdapool::supervisor
