// The texts in which values of the configuration are written, and back: pure, of no key in
// particular.
//
// A parser takes the whole text or nothing; a formatter writes what its parser reads as the same
// value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "supervisor/config/config.h"

namespace lambdapool::supervisor {

// Digits only: no sign, no space, no separator.
std::optional<std::uint64_t> parse_count(std::string_view text);

// `true`, `yes`, `on` and their opposites, in any case.
std::optional<bool> parse_bool(std::string_view text);

// A whole number and its unit: `250ms`, `2s`, `5m`, `1h`.
std::optional<Milliseconds> parse_duration(std::string_view text);
std::string format_duration(Milliseconds duration);

// A whole number of bytes, or of `B`, `KiB`, `MiB`, `GiB`, `TiB`.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);

// The names of an enumeration, in the order of its enumerators.
std::span<const std::string_view> names_of(EventLoop);
std::span<const std::string_view> names_of(Interpreter);
std::span<const std::string_view> names_of(Preload);
std::span<const std::string_view> names_of(LogLevel);
std::span<const std::string_view> names_of(LogFormat);
std::span<const std::string_view> names_of(Replay);

template <class Enum>
std::string_view to_string(Enum value)
  requires requires { names_of(value); }
{
  return names_of(value)[static_cast<std::size_t>(value)];
}

}  // namespace lambdapool::supervisor
