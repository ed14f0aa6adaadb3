// What to do when a process or a thread cannot be had (EAGAIN): the end of an error for people.
#pragma once

namespace lambdapool::supervisor::uv {

inline constexpr const char* kAllowMoreProcesses =
    "; allow more processes (ulimit -u, TasksMax=, --pids-limit)";

}  // namespace lambdapool::supervisor::uv
