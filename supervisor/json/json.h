// JSON values, read and written; the only door to nlohmann's library.
//
// Reading trusts nothing: text that is no JSON, or is nested deeper than a limit, is a failure and
// not an exception. Writing never fails: what is not UTF-8 becomes U+FFFD. The library's own
// accessors (get, at, operator[] on a constant) throw or do worse when a value is of another kind;
// whoever reads what somebody else wrote uses the functions below.
#pragma once

#include <cstdint>
#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace lambdapool::supervisor {

// An object keeps the order in which its members were put in.
using Json = nlohmann::ordered_json;

inline constexpr std::size_t kMaxJsonDepth = 32;

// Failure: a line for people that says what is wrong, without the text itself.
std::expected<Json, std::string> parse_json(std::string_view text);

// On one line.
std::string json_text(const Json& value);
// On many lines, indented, with an end of line at the end.
std::string json_page(const Json& value);

// The member of that name, or null (the pointer) when `object` is no object or has none.
const Json* member(const Json& object, std::string_view name);

// The member's value, when it is of that kind; else the fallback.
std::string text_member(const Json& object, std::string_view name, std::string_view fallback = {});
double number_member(const Json& object, std::string_view name, double fallback = 0);
bool bool_member(const Json& object, std::string_view name, bool fallback = false);
// A whole number that is not negative.
std::optional<std::uint64_t> count_member(const Json& object, std::string_view name);
// The member when it is an array, else an empty one.
const Json& array_member(const Json& object, std::string_view name);

}  // namespace lambdapool::supervisor
