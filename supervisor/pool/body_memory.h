// Shared memory for large request bodies: a worker is given its descriptor, once, and reads bodies
// there, so that they are written once and do not go through the socket.
//
// Invariants: its size is sealed, and nobody but this process can write to it, so that a worker can
// neither take it away under us nor change what another one will read. What a worker has been given
// comes back to the pool only when that worker has answered, which it does after it has read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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
  static std::unique_ptr<BodyMemory> create(std::size_t capacity, std::uint64_t number);
  ~BodyMemory();
  BodyMemory(const BodyMemory&) = delete;
  BodyMemory& operator=(const BodyMemory&) = delete;

  char* data() const { return data_; }
  std::size_t capacity() const { return capacity_; }
  // No other memory of this process has it, or ever had. Not zero.
  std::uint64_t number() const { return number_; }
  // A descriptor for a worker; not open when few are left.
  uv::FileDescriptor share() const;

  // The system gives memory as it is written to: how much of it has ever been.
  std::size_t written() const { return written_; }
  void note_written(std::size_t bytes) { written_ = std::max(written_, bytes); }

 private:
  BodyMemory(uv::FileDescriptor descriptor, char* data, std::size_t capacity, std::uint64_t number)
      : descriptor_(std::move(descriptor)), data_(data), capacity_(capacity), number_(number) {}

  uv::FileDescriptor descriptor_;
  char* data_;
  std::size_t capacity_;
  std::uint64_t number_;
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
  std::uint64_t last_number_ = 0;
  uv::Timer timer_;
};

}  // namespace lambdapool::supervisor
