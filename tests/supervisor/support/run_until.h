// Runs a loop until something has happened, with a bound.
#pragma once

#include <uv.h>

#include <chrono>

#include "supervisor/uv/loop.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

// False when `happened` is not true after `bound`. It is asked after each turn of the loop and,
// because it may be about something that the loop does not see, again and again meanwhile.
template <class Happened>
bool run_until(uv::Loop& loop, Happened happened,
               std::chrono::milliseconds bound = std::chrono::seconds(20)) {
  constexpr std::chrono::milliseconds kAgain{2};
  const auto end = std::chrono::steady_clock::now() + bound;
  uv::Timer again(loop, [] {});
  while (!happened()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    if (!again.active()) again.start(kAgain);
    uv_run(loop.get(), UV_RUN_ONCE);
  }
  return true;
}

// Lets the loop do what it can without waiting for anything, at least `turns` times, also when
// nothing is on it.
inline void run_turns(uv::Loop& loop, int turns = 3) {
  {
    uv::Timer alive(loop, [] {});
    alive.start(std::chrono::hours(1));
    for (int i = 0; i < turns; ++i) uv_run(loop.get(), UV_RUN_NOWAIT);
  }
  // Lets go of the timer itself.
  uv_run(loop.get(), UV_RUN_NOWAIT);
}

// Whether nothing is left on the loop, by then or soon.
inline bool run_until_empty(uv::Loop& loop,
                            std::chrono::milliseconds bound = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + bound;
  run_turns(loop);
  while (uv_loop_alive(loop.get()) != 0) {
    if (std::chrono::steady_clock::now() >= end) return false;
    run_turns(loop);
    uv_sleep(1);
  }
  return true;
}

}  // namespace lambdapool::supervisor
