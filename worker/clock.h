// The time of CLOCK_MONOTONIC as of the kernel's last tick: some milliseconds coarse, and cheap.
#pragma once

#include <cstdint>
#include <ctime>

namespace lambdapool::worker {

// In nanoseconds.
inline std::uint64_t coarse_now() {
  constexpr std::uint64_t kNanoseconds = 1'000'000'000;
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kNanoseconds +
         static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace lambdapool::worker
