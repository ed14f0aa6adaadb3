#include "supervisor/config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <limits>

namespace lambdapool::supervisor {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// From the largest to the smallest.
constexpr std::array kDurationUnits = {
    Unit{"h", 3'600'000},
    Unit{"m", 60'000},
    Unit{"s", 1000},
    Unit{"ms", 1},
};
constexpr std::array kSizeUnits = {
    Unit{"TiB", std::uint64_t{1} << 40},
    Unit{"GiB", std::uint64_t{1} << 30},
    Unit{"MiB", std::uint64_t{1} << 20},
    Unit{"KiB", std::uint64_t{1} << 10},
    Unit{"B", 1},
};

constexpr std::array<std::string_view, 3> kPreloadNames = {"off", "host", "lambda"};
constexpr std::array<std::string_view, 3> kEventLoopNames = {"auto", "uvloop", "asyncio"};
constexpr std::array<std::string_view, 2> kInterpreterNames = {"embedded", "system"};
constexpr std::array<std::string_view, 4> kLogLevelNames = {"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> kLogFormatNames = {"text", "json"};
constexpr std::array<std::string_view, 4> kReplayNames = {"never", "safe", "idempotent", "always"};

std::optional<std::uint64_t> scaled(std::uint64_t count, std::uint64_t factor,
                                    std::uint64_t limit) {
  if (count > limit / factor) return std::nullopt;
  return count * factor;
}

std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units,
                                             std::uint64_t limit) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = parse_count(text.substr(0, digits));
  const auto unit = std::ranges::find(units, text.substr(digits), &Unit::name);
  if (!count || unit == units.end()) return std::nullopt;
  return scaled(*count, unit->factor, limit);
}

}  // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t count = 0;
  const auto [stop, error] = std::from_chars(text.begin(), text.end(), count);
  if (error != std::errc{} || stop != text.end()) return std::nullopt;
  return count;
}

std::optional<bool> parse_bool(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (lower == "true" || lower == "yes" || lower == "on") return true;
  if (lower == "false" || lower == "no" || lower == "off") return false;
  return std::nullopt;
}

std::optional<Milliseconds> parse_duration(std::string_view text) {
  constexpr auto kLimit = static_cast<std::uint64_t>(std::numeric_limits<Milliseconds::rep>::max());
  const auto count = parse_with_unit(text, kDurationUnits, kLimit);
  if (!count) return std::nullopt;
  return Milliseconds(static_cast<Milliseconds::rep>(*count));
}

std::string format_duration(Milliseconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0s";
  for (const Unit& unit : kDurationUnits) {
    // A single minute reads better as 60s, beside the 30s and 75s that time-outs usually are.
    if (unit.name == "m" && count < 2 * unit.factor) continue;
    if (count % unit.factor == 0) return std::to_string(count / unit.factor).append(unit.name);
  }
  return std::to_string(count).append("ms");
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  if (const auto bytes = parse_count(text)) return bytes;
  return parse_with_unit(text, kSizeUnits, std::numeric_limits<std::uint64_t>::max());
}

std::string format_size(std::uint64_t bytes) {
  const auto unit = std::ranges::find_if(
      kSizeUnits, [&](const Unit& u) { return bytes >= u.factor && bytes % u.factor == 0; });
  if (unit == kSizeUnits.end()) return "0B";
  return std::to_string(bytes / unit->factor).append(unit->name);
}

std::span<const std::string_view> names_of(Preload) { return kPreloadNames; }
std::span<const std::string_view> names_of(EventLoop) { return kEventLoopNames; }
std::span<const std::string_view> names_of(Interpreter) { return kInterpreterNames; }
std::span<const std::string_view> names_of(LogLevel) { return kLogLevelNames; }
std::span<const std::string_view> names_of(LogFormat) { return kLogFormatNames; }
std::span<const std::string_view> names_of(Replay) { return kReplayNames; }

}  // namespace lambdapool::supervisor
