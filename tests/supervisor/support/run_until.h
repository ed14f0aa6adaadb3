// Runs a loop until something has happened, with a bound.
#pragma once

#include <uv.h>

#include <chrono>

#include "supervisor/uv/loop.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

// False when `happened` is not true after `bound`.
template <class Happened>
bool run_until(uv::Loop& loop, Happened happened, std::chrono::milliseconds bound = std::chrono::seconds(20)) {
  bool over = false;
  uv::Timer timer(loop, [&] { over = true; });
  timer.start(bound);
  while (!over && !happened()) uv_run(loop.get(), UV_RUN_ONCE);
  return happened();
}

// Lets the loop do what it can without waiting for anything, `turns` times.
inline void run_turns(uv::Loop& loop, int turns = 3) {
  for (int i = 0; i < turns; ++i) uv_run(loop.get(), UV_RUN_NOWAIT);
}

}  // namespace lambdapool::supervisor
