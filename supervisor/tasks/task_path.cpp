#include "supervisor/tasks/task_path.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "supervisor/http/text.h"

namespace lambdapool::supervisor {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    if (text[i] == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2])) {
      std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

}  // namespace

std::optional<TaskPath> parse_task_path(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  const std::string decoded = percent_decoded(path);
  if (decoded == "/main") return TaskPath{TaskRoute::kMain};
  if (decoded == "/tasks") return TaskPath{TaskRoute::kTasks};
  constexpr std::string_view kBefore = "/tasks/";
  if (!decoded.starts_with(kBefore)) return std::nullopt;
  const std::string_view rest = std::string_view(decoded).substr(kBefore.size());
  const auto id = parse_number<TaskKey>(rest);
  if (!id || *id <= 0 || !is_digit(rest.front())) return TaskPath{TaskRoute::kUnknown};
  return TaskPath{TaskRoute::kTask, *id};
}

std::optional<std::uint32_t> number_argument(std::string_view query, std::string_view name,
                                             std::uint32_t least, std::uint32_t most,
                                             std::uint32_t otherwise) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view argument = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const auto equals = argument.find('=');
    if (argument.substr(0, equals) != name) continue;
    if (equals == std::string_view::npos) return std::nullopt;
    const auto number = parse_number<std::uint32_t>(argument.substr(equals + 1));
    if (!number || *number < least || *number > most) return std::nullopt;
    return number;
  }
  return otherwise;
}

}  // namespace lambdapool::supervisor
