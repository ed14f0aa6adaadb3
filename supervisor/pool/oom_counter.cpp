#include "supervisor/pool/oom_counter.h"

#include <fstream>
#include <string_view>

namespace lambdapool::supervisor {

OomCounter::OomCounter() {
  constexpr std::string_view kUnified = "0::";
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with(kUnified)) continue;
    file_ = "/sys/fs/cgroup" + line.substr(kUnified.size()) + "/memory.events";
    return;
  }
}

std::optional<std::uint64_t> OomCounter::kills() const {
  std::ifstream events(file_);
  std::string name;
  for (std::uint64_t count = 0; events >> name >> count;) {
    if (name == "oom_kill") return count;
  }
  return std::nullopt;
}

}  // namespace lambdapool::supervisor
