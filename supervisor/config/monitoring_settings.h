// The section `monitoring` for those who use it, and what must hold between its keys.
#pragma once

#include <string>
#include <vector>

#include "supervisor/config/config.h"

namespace lambdapool::supervisor {

// As a JSON object, durations in seconds.
std::string monitoring_json(const MonitoringConfig& monitoring);

// Complaints begin with the key.
void check_monitoring(const MonitoringConfig& monitoring, std::vector<std::string>& errors);

}  // namespace lambdapool::supervisor
