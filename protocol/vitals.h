// The vitals page: shared memory in which a worker says what it is doing, without a system call and
// even when it dies in the next instruction.
//
// The supervisor makes it (a sealed memfd of vitals_bytes(window) zeros), both map it. The worker
// writes, the supervisor only reads, and it believes the page only about that worker's own
// requests: a lambda can write here too.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace lambdapool::protocol {

inline constexpr std::uint32_t kMaxWindow = 4096;

struct Vitals {
  // How many frames the worker's event loop has taken off the channel. When it lags behind what was
  // written, the loop is stuck.
  std::atomic<std::uint64_t> frames_taken;
  // The id of the request whose code the loop's thread is running; 0 when it runs none.
  std::atomic<std::uint64_t> stepping;
  // Since when, in nanoseconds of CLOCK_MONOTONIC: written before `stepping`.
  std::atomic<std::uint64_t> stepping_since;
  // The id of the request whose code is ending the process, said by whoever ends it: a handler of a
  // deadly signal or os._exit, in whatever thread. 0 when nobody could say.
  std::atomic<std::uint64_t> culprit;
};

// Slots follow the Vitals in memory, one per request that may be outstanding.
struct VitalsSlot {
  // The id of the last request that began in this slot; ids start at 1.
  std::atomic<std::uint64_t> begun;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

constexpr std::size_t vitals_bytes(std::uint32_t window) {
  return sizeof(Vitals) + std::size_t{window} * sizeof(VitalsSlot);
}

inline VitalsSlot* vitals_slots(Vitals* vitals) {
  return reinterpret_cast<VitalsSlot*>(vitals + 1);
}

// The bytes of a crash report memfd; see README.md, fd 4.
inline constexpr std::size_t kCrashReportBytes = std::size_t{128} << 10;

// The descriptors a worker finds open; see README.md.
inline constexpr int kChannelFd = 3;
inline constexpr int kCrashReportFd = 4;
inline constexpr int kVitalsFd = 5;

}  // namespace lambdapool::protocol
