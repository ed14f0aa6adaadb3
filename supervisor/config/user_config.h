// The lambda's user configuration, `request.config.userConfig`: a JSON object in a file of its own.
#pragma once

#include <string>
#include <vector>

#include "supervisor/config/config.h"

namespace lambdapool::supervisor {

// Reads lambda.user_config into lambda.user_config_json. Complaints begin with the key.
void read_user_config(LambdaConfig& lambda, std::vector<std::string>& errors);

}  // namespace lambdapool::supervisor
