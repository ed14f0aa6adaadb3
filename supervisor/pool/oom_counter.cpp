#include "supervisor/pool/oom_counter.h"

#include <fstream>
#include <string_view>

namespace lambdapool::supervisor {
namespace {

// A line of /proc/self/cgroup is NUMBER:CONTROLLERS:PATH; version 2 is number 0 and names none.
struct Group {
  std::string_view controllers;
  std::string_view path;
};

Group parse_group(std::string_view line) {
  const std::size_t first = line.find(':');
  const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
  if (second == std::string_view::npos) return {"?", {}};
  return {line.substr(first + 1, second - first - 1), line.substr(second + 1)};
}

bool names_memory(std::string_view controllers) {
  return ("," + std::string(controllers) + ",").find(",memory,") != std::string::npos;
}

}  // namespace

OomCounter OomCounter::of_this_process(const std::string& root) {
  const std::string mounts = root + "/sys/fs/cgroup";
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const Group group = parse_group(line);
    const bool is_unified = group.controllers.empty();
    if (!is_unified && !names_memory(group.controllers)) continue;
    const std::string mount = is_unified ? mounts : mounts + "/memory";
    const char* const name = is_unified ? "/memory.events" : "/memory.oom_control";
    // A container may see its own group as the root of the mount, and the path of its host.
    for (const std::string& file : {mount + std::string(group.path) + name, mount + name}) {
      if (OomCounter counter(file); counter.kills()) return counter;
    }
  }
  return OomCounter("");
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
