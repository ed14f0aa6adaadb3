#include "supervisor/pool/tight_limits.h"

#include "supervisor/config/values.h"

namespace lambdapool::supervisor {
namespace {

// With less, Python itself and a usual lambda's imports do not fit.
constexpr std::uint64_t kUsualMemory = std::uint64_t{256} << 20;
constexpr std::uint64_t kUsualOpenFiles = 64;

}  // namespace

std::string tight_limits_hint(const protocol::Limits& limits, std::string_view text) {
  const auto says = [text](std::string_view what) { return text.contains(what); };
  std::string hint;
  const bool memory = limits.memory < kUsualMemory || says("MemoryError") ||
                      says("Cannot allocate memory") || says("cannot allocate memory");
  if (limits.memory != 0 && memory) {
    hint += " (worker.memory_limit is " + format_size(limits.memory) + ", which may be too little)";
  }
  const bool files = limits.open_files < kUsualOpenFiles || says("Too many open files");
  if (limits.open_files != 0 && files) {
    hint +=
        " (worker.open_files is " + std::to_string(limits.open_files) + ", which may be too few)";
  }
  return hint;
}

}  // namespace lambdapool::supervisor
