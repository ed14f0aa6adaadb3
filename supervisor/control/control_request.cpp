#include "supervisor/control/control_request.h"

#include <algorithm>
#include <array>
#include <optional>

#include "supervisor/config/nearest.h"
#include "supervisor/config/values.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::array<std::string_view, 8> kCommands = {
    "status", "scale",           "reload",           "stop",
    "stacks", "quarantine list", "quarantine clear", "log-level"};

// The first member beside `command` that the command does not have.
std::optional<std::string> unknown_member(const Json& object, std::string_view known) {
  for (auto found = object.begin(); found != object.end(); ++found) {
    if (found.key() != "command" && found.key() != known) return found.key();
  }
  return std::nullopt;
}

std::expected<ControlRequest, std::string> parse_scale(const Json& object) {
  const auto workers = count_member(object, "workers");
  if (!workers || *workers < 1 || *workers > kMaxWorkers) {
    return std::unexpected("workers must be a whole number from 1 to " +
                           std::to_string(kMaxWorkers));
  }
  return control::Scale{static_cast<std::uint32_t>(*workers)};
}

std::expected<ControlRequest, std::string> parse_stop(const Json& object) {
  const Json* now = member(object, "now");
  if (now != nullptr && !now->is_boolean()) return std::unexpected("now must be true or false");
  return control::Stop{bool_member(object, "now")};
}

std::expected<ControlRequest, std::string> parse_level(const Json& object) {
  auto level = parse_log_level(text_member(object, "level"));
  if (!level) return std::unexpected("level " + level.error());
  return control::SetLogLevel{*level};
}

}  // namespace

std::expected<LogLevel, std::string> parse_log_level(std::string_view text) {
  const auto names = names_of(LogLevel{});
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) return std::unexpected("must be debug, info, warning or error");
  return static_cast<LogLevel>(found - names.begin());
}

std::expected<ControlRequest, std::string> parse_control_request(std::string_view line) {
  const auto object = parse_json(line);
  if (!object) return std::unexpected("the request " + object.error());
  if (!object->is_object()) return std::unexpected("the request is no JSON object");
  const std::string command = text_member(*object, "command");
  if (command.empty()) {
    return std::unexpected(R"(the request names no command, as in {"command": "status"})");
  }
  if (std::ranges::find(kCommands, command) == kCommands.end()) {
    const auto meant = nearest(command, kCommands);
    return std::unexpected("unknown command " + in_quotes(command) +
                           (meant ? "; did you mean '" + std::string(*meant) + "'?" : ""));
  }
  const std::string_view known = command == "scale"       ? "workers"
                                 : command == "stop"      ? "now"
                                 : command == "log-level" ? "level"
                                                          : "command";
  if (const auto unknown = unknown_member(*object, known)) {
    return std::unexpected("the command " + command + " has no " + in_quotes(*unknown));
  }
  if (command == "scale") return parse_scale(*object);
  if (command == "stop") return parse_stop(*object);
  if (command == "log-level") return parse_level(*object);
  if (command == "reload") return control::Reload{};
  if (command == "stacks") return control::Stacks{};
  if (command == "quarantine list") return control::ListQuarantine{};
  if (command == "quarantine clear") return control::ClearQuarantine{};
  return control::Status{};
}

std::string control_line(const ControlRequest& request) {
  Json object;
  object["command"] = kCommands.at(request.index());
  if (const auto* scale = std::get_if<control::Scale>(&request)) {
    object["workers"] = scale->workers;
  } else if (const auto* stop = std::get_if<control::Stop>(&request)) {
    if (stop->now) object["now"] = true;
  } else if (const auto* level = std::get_if<control::SetLogLevel>(&request)) {
    object["level"] = to_string(level->level);
  }
  return json_text(object);
}

std::string control_line(const ControlResult& result) {
  return json_text(result ? Json{{"ok", true}, {"result", *result}}
                          : Json{{"ok", false}, {"error", result.error()}});
}

}  // namespace lambdapool::supervisor
