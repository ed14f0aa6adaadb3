// What of the configuration is the Python side's: a JSON object that every worker is started with.
#pragma once

#include <string>

#include "supervisor/config/config.h"

namespace lambdapool::supervisor {

// Members are there when they are in use; durations are in seconds.
std::string python_settings(const Config& config);

}  // namespace lambdapool::supervisor
