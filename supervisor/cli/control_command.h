// Carries out a command that talks to a running supervisor: finds it, asks, shows the answer.
#pragma once

#include "supervisor/cli/control_arguments.h"

namespace lambdapool::supervisor {

// Returns the program's exit code; what went wrong is on standard error.
int run_control(const ControlCommand& command);

}  // namespace lambdapool::supervisor
