// How many tasks there are, for people.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lambdapool::supervisor {

struct TaskFigures {
  std::size_t waiting = 0;  // Stored tasks that wait for their turn.
  std::size_t running = 0;  // Those of waiting clients are among them.
  std::size_t limit = 0;    // Of stored tasks that are not over.
  // Since the supervisor started.
  std::uint64_t finished = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
};

}  // namespace lambdapool::supervisor
