// How many processes of our control group the kernel has killed for want of memory: what tells an
// out-of-memory SIGKILL from anybody else's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lambdapool::supervisor {

class OomCounter {
 public:
  // Finds the control group of this process, of either version of cgroups; without one it never
  // counts. `root` is where a test has its /proc and /sys.
  static OomCounter of_this_process(const std::string& root = "");
  explicit OomCounter(std::string file) : file_(std::move(file)) {}

  // Nothing when it cannot be known.
  std::optional<std::uint64_t> kills() const;

 private:
  std::string file_;  // memory.events, or memory.oom_control in version 1; empty for none.
};

}  // namespace lambdapool::supervisor
