// The arguments of the commands that talk to a running supervisor.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "supervisor/control/control_request.h"

namespace lambdapool::supervisor {

// Ask a running supervisor for something, and show its answer.
struct ControlCommand {
  ControlRequest request;
  std::optional<std::string> socket = {};  // Nothing: that of the one that runs.
  bool json = false;                       // Show the answer as it came.
  bool check = false;  // Of status: show only why it is not ready, and fail then.
  std::optional<std::chrono::milliseconds> watch = {};  // Of status: ask again and again.
  std::chrono::milliseconds timeout{5'000};             // For an answer.
};

struct ControlCommandDoc {
  std::string_view name;
  std::string_view doc;
};
std::span<const ControlCommandDoc> control_commands();

// A text to show instead, or a mistake.
struct ControlHelp {
  std::string text;
};
using ControlArguments = std::variant<ControlCommand, ControlHelp>;

// `arguments` begin with the command's name, which is one of control_commands(). Failure: what is
// wrong, without an end of line.
std::expected<ControlArguments, std::string> parse_control_arguments(
    const std::vector<std::string>& arguments);

}  // namespace lambdapool::supervisor
