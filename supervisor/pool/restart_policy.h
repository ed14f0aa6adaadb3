// When to start the next worker in a seat, from how the last ones fared. Pure; the caller brings
// the clock's results.
//
// A worker that proved itself (it answered a request or lived for a while) is replaced at once: its
// death says nothing about the next. Deaths in a row without that wait longer each time, doubling
// up to a maximum, with jitter so that workers that fail together do not start together.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace lambdapool::supervisor {

class RestartPolicy {
 public:
  using Milliseconds = std::chrono::milliseconds;
  RestartPolicy(Milliseconds first, Milliseconds longest, std::uint32_t seed);

  void worker_proved_itself() { failures_ = 0; }

  // Notes one more death and says how long to wait before the next start: nothing after the first
  // in a row, then `first`, doubling up to `longest`, each lengthened or shortened by up to a
  // fifth.
  Milliseconds delay_after_death();

  std::uint32_t failures_in_a_row() const { return failures_; }

 private:
  Milliseconds first_;
  Milliseconds longest_;
  std::uint32_t failures_ = 0;
  std::minstd_rand random_;
};

}  // namespace lambdapool::supervisor
