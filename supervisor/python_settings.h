// What the Python side of a worker is configured with: a JSON object, one member per concern, which
// travels in the frame `start`.
#pragma once

#include <string>

#include "supervisor/config/config.h"

namespace lambdapool::supervisor {

std::string python_settings(const Config& config);

}  // namespace lambdapool::supervisor
