// What the kernel says of a running process, read from /proc.
#pragma once

#include <optional>
#include <string_view>

namespace lambdapool::supervisor {

struct ProcessState {
  bool stopped = false;       // By SIGSTOP or a debugger.
  bool takes_stacks = false;  // Whether it has a handler for SIGUSR2, which else would end it.
};

// Nothing when there is no such process.
std::optional<ProcessState> process_state(int pid);

// From the text of /proc/PID/status.
ProcessState parse_process_state(std::string_view status);

}  // namespace lambdapool::supervisor
