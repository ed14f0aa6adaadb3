// What a process takes of the machine, as /proc tells it; reading it does not block.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lambdapool::supervisor {

struct ProcessUsage {
  std::uint64_t resident_bytes = 0;
  std::chrono::milliseconds cpu{0};  // User and system time together.
};

// Nothing when there is no such process.
std::optional<ProcessUsage> process_usage(int pid);

struct ProcessMemory {
  std::uint64_t resident_bytes = 0;
  std::uint64_t peak_bytes = 0;  // The most it has had.
};
// Nothing when there is no such process, or it has ended.
std::optional<ProcessMemory> process_memory(int pid);

// The texts of /proc/PID/status and /proc/PID/stat.
std::optional<ProcessMemory> parse_process_status(std::string_view text);
std::optional<ProcessUsage> parse_process_stat(std::string_view text);

}  // namespace lambdapool::supervisor
