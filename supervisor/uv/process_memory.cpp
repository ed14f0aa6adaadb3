#include "supervisor/uv/process_memory.h"

#include <unistd.h>

#include <fstream>
#include <string>

namespace lambdapool::supervisor::uv {

std::uint64_t resident_bytes(int pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (!(statm >> total >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace lambdapool::supervisor::uv
