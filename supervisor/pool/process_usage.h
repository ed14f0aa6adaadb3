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

// The text of /proc/PID/stat.
std::optional<ProcessUsage> parse_process_stat(std::string_view text);

}  // namespace lambdapool::supervisor
