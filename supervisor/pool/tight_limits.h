// Which of a worker's limits may be why it does not start, for people.
#pragma once

#include <string>
#include <string_view>

#include "protocol/message.h"

namespace lambdapool::supervisor {

// Follows `text`, which says how a start failed: " (worker.open_files is 4, which may be too few)".
// Empty when no limit is likely.
std::string tight_limits_hint(const protocol::Limits& limits, std::string_view text);

}  // namespace lambdapool::supervisor
