// What may be asked of a running supervisor through its control socket.
//
// A request is a JSON object on one line: {"command": "scale", "workers": 4}. Its answer is one as
// well: {"ok": true, "result": ...} or {"ok": false, "error": "a line for people"}. What is not
// known is refused, so that a request never does less than its sender thinks.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "supervisor/config/config.h"
#include "supervisor/json/json.h"

namespace lambdapool::supervisor {

inline constexpr std::uint32_t kMaxWorkers = 1024;

namespace control {
struct Status {};
struct Scale {
  std::uint32_t workers = 1;
};
struct Reload {};
struct Stop {
  bool now = false;  // Without waiting for what runs.
};
struct Stacks {};
struct ListQuarantine {};
struct ClearQuarantine {};
struct SetLogLevel {
  LogLevel level = LogLevel::kInfo;
};
}  // namespace control

using ControlRequest =
    std::variant<control::Status, control::Scale, control::Reload, control::Stop, control::Stacks,
                 control::ListQuarantine, control::ClearQuarantine, control::SetLogLevel>;

// What it gave, or why it was refused or failed.
using ControlResult = std::expected<Json, std::string>;

std::expected<ControlRequest, std::string> parse_control_request(std::string_view line);

// The request as a line without its end, and the answer.
std::string control_line(const ControlRequest& request);
std::string control_line(const ControlResult& result);

std::expected<LogLevel, std::string> parse_log_level(std::string_view text);

}  // namespace lambdapool::supervisor
