// What the worker program does, by its arguments; the same for the program itself and for the
// library that the system's Python runs (system_python.h).
#pragma once

#include <span>

namespace lambdapool::worker {

// The arguments of main(), the program's name first. They are the process's own memory: what ps
// shows is changed in place. Returns the exit status; nothing is thrown.
int run_command_line(std::span<char*> values);

}  // namespace lambdapool::worker
