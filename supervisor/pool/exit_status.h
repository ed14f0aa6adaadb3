// How a process ended: with a status, or by a signal.
#pragma once

#include <cstdint>
#include <string>

namespace lambdapool::supervisor {

struct ExitStatus {
  std::int64_t status = 0;
  int signal = 0;  // Zero when it exited by itself.

  bool clean() const { return status == 0 && signal == 0; }
  // "exited with status 3" or "ended by signal 11 (SIGSEGV)".
  std::string to_string() const;
};

}  // namespace lambdapool::supervisor
