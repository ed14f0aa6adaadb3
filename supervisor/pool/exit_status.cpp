#include "supervisor/pool/exit_status.h"

#include <cstring>

namespace lambdapool::supervisor {

std::string ExitStatus::to_string() const {
  if (signal == 0) return "exited with status " + std::to_string(status);
  std::string text = "ended by signal " + std::to_string(signal);
  if (const char* name = sigabbrev_np(signal)) text += std::string(" (SIG") + name + ")";
  return text;
}

}  // namespace lambdapool::supervisor
