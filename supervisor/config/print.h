// A configuration as YAML that `load_config` reads back to the same values.
//
// Every key is there, with its documentation as a comment; configs/lambdapool.yml is what this
// makes of the defaults.
#pragma once

#include <string>

#include "supervisor/config/config.h"

namespace lambdapool::supervisor {

std::string print_config(const Config& config);

}  // namespace lambdapool::supervisor
