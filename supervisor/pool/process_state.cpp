#include "supervisor/pool/process_state.h"

#include <charconv>
#include <csignal>
#include <fstream>
#include <sstream>
#include <string>

namespace lambdapool::supervisor {
namespace {

// The value of a line such as "State:\tT (stopped)"; empty when there is none.
std::string_view value_of(std::string_view status, std::string_view name) {
  const std::string start = std::string(name) + ":\t";
  std::size_t at = status.starts_with(start) ? 0 : status.find("\n" + start);
  if (at == std::string_view::npos) return {};
  if (status[at] == '\n') ++at;
  status.remove_prefix(at + start.size());
  return status.substr(0, status.find('\n'));
}

}  // namespace

ProcessState parse_process_state(std::string_view status) {
  constexpr int kHexadecimal = 16;
  const std::string_view state = value_of(status, "State");
  const std::string_view caught = value_of(status, "SigCgt");
  std::uint64_t signals = 0;
  std::from_chars(caught.data(), caught.data() + caught.size(), signals, kHexadecimal);
  return {.stopped = state.starts_with('T') || state.starts_with('t'),
          .takes_stacks = ((signals >> (SIGUSR2 - 1)) & 1U) != 0};
}

std::optional<ProcessState> process_state(int pid) {
  const std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return parse_process_state(text.view());
}

}  // namespace lambdapool::supervisor
