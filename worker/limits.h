// What the supervisor allows a worker to take, applied by the worker to itself before any code of a
// lambda runs: from then on it is the kernel that holds the lambda to it.
#pragma once

#include <expected>
#include <string>

#include "protocol/message.h"

namespace lambdapool::worker {

// The failure is text for people.
std::expected<void, std::string> apply_limits(const protocol::Limits& limits);

}  // namespace lambdapool::worker
