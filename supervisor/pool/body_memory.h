// Shared memory for large request bodies: a worker is given its descriptor and reads the body
// there, so that it is written once and does not go through the socket.
//
// Invariants: its size is sealed, and nobody but this process can write to it, so that a worker can
// neither take it away under us nor change what another one will read. What a worker has been given
// comes back to the pool only when that worker has answered, which it does after it has read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "supervisor/uv/file_descriptor.h"
#include "supervisor/uv/loop.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

// A larger body travels in shared memory: tests/bench/README.md, "Large bodies".
inline constexpr std::size_t kLargestBodyInFrame = std::size_t{16} << 10;

class BodyMemory {
 public:
  // Null when the system has none to give.
  static std::unique_ptr<BodyMemory> create(std::size_t capacity);
  ~BodyMemory();
  BodyMemory(const BodyMemory&) = delete;
  BodyMemory& operator=(const BodyMemory&) = delete;

  char* data() const { return data_; }
  std::size_t capacity() const { return capacity_; }
  // A descriptor for a worker; not open when few are left.
  uv::FileDescriptor share() const;

  // The system gives memory as it is written to: how much of it has ever been.
  std::size_t written() const { return written_; }
  void note_written(std::size_t bytes) { written_ = std::max(written_, bytes); }

 private:
  BodyMemory(uv::FileDescriptor descriptor, char* data, std::size_t capacity)
      : descriptor_(std::move(descriptor)), data_(data), capacity_(capacity) {}

  uv::FileDescriptor descriptor_;
  char* data_;
  std::size_t capacity_;
  std::size_t written_ = 0;
};

// Memory that is kept for the next body, bounded in size and in time.
class BodyPool {
 public:
  explicit BodyPool(uv::Loop& loop);

  // Null when there is none to be had: the body must do without.
  std::unique_ptr<BodyMemory> take(std::size_t bytes);
  void give_back(std::unique_ptr<BodyMemory> memory);

  std::size_t idle_bytes() const { return idle_bytes_; }

 private:
  struct Idle {
    std::unique_ptr<BodyMemory> memory;
    uv::TimePoint since;
  };
  void forget_old();

  std::vector<Idle> idle_;  // The one given back last is at the end.
  std::size_t idle_bytes_ = 0;
  uv::Timer timer_;
};

}  // namespace lambdapool::supervisor
