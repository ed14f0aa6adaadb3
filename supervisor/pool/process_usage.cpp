#include "supervisor/pool/process_usage.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>

#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {

namespace {

std::string read_proc(int pid, const std::string& name) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  const uv::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text{};
  const ssize_t count = file.open() ? read(file.get(), text.data(), text.size()) : -1;
  return {text.data(), count < 0 ? 0 : static_cast<std::size_t>(count)};
}

}  // namespace

std::optional<ProcessUsage> parse_process_stat(std::string_view text) {
  // The second field is the program's name in parentheses, which may hold anything.
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  constexpr int kUserTime = 14;
  constexpr int kSystemTime = 15;
  constexpr int kResidentPages = 24;
  std::uint64_t ticks = 0;
  for (int field = 3; !text.empty(); ++field) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(word.size());
    if (field != kUserTime && field != kSystemTime && field != kResidentPages) continue;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    if (field != kResidentPages) {
      ticks += value;
      continue;
    }
    static const auto kTicksPerSecond = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
    static const auto kPageBytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    return ProcessUsage{value * kPageBytes,
                        std::chrono::milliseconds(ticks * 1000 / kTicksPerSecond)};
  }
  return std::nullopt;
}

std::optional<ProcessMemory> parse_process_status(std::string_view text) {
  // "VmHWM:	   28476 kB"
  const auto value_of = [text](std::string_view name) -> std::optional<std::uint64_t> {
    const auto found = text.find(name);
    if (found == std::string_view::npos) return std::nullopt;
    std::string_view rest = text.substr(found + name.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    std::uint64_t kibibytes = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), kibibytes);
    if (error != std::errc{}) return std::nullopt;
    constexpr std::uint64_t kUnit = 1024;
    return kibibytes * kUnit;
  };
  const auto resident = value_of("\nVmRSS:");
  const auto peak = value_of("\nVmHWM:");
  if (!resident || !peak) return std::nullopt;
  return ProcessMemory{*resident, *peak};
}

std::optional<ProcessUsage> process_usage(int pid) {
  return parse_process_stat(read_proc(pid, "stat"));
}

std::optional<ProcessMemory> process_memory(int pid) {
  return parse_process_status(read_proc(pid, "status"));
}

}  // namespace lambdapool::supervisor
