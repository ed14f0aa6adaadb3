// What differs between two configurations, and what of it a reload can apply.
//
// Sockets, files and identities stay as they were when the supervisor started; what workers are
// started with, and how the pool treats them, follows the new configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/config/config.h"

namespace lambdapool::supervisor {

struct ConfigChange {
  std::string_view key;
  std::string before;
  std::string after;
  bool needs_restart = false;
};

std::vector<ConfigChange> find_changes(Config before, Config after);

// `before` with those values of `after` that need no restart.
Config with_live_changes(Config before, Config after);

}  // namespace lambdapool::supervisor
