// What of the configuration is the Python side's: a JSON object that every worker is started with.
#pragma once

#include <string>
#include <vector>

#include "supervisor/config/config.h"

namespace lambdapool::supervisor {

// Members are there when they are in use; durations are in seconds.
std::string python_settings(const Config& config);

// What holds between the keys of the section `monitoring`.
void check_monitoring(const MonitoringConfig& monitoring, std::vector<std::string>& errors);

}  // namespace lambdapool::supervisor
