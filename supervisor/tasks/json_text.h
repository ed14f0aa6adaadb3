// JSON as text: checked and cut into its parts, never built up in memory.
//
// What clients and workers send passes through as they wrote it, so no number is rounded and no
// large body is held twice. Strict: RFC 8259, UTF-8, at most kMaxJsonDepth levels.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lambdapool::supervisor {

inline constexpr int kMaxJsonDepth = 1000;
// Longer texts would hold up the loop: they are read on a thread.
inline constexpr std::size_t kLongText = std::size_t{64} << 10;

enum class JsonKind { kNull, kBoolean, kNumber, kString, kArray, kObject };

// A value and the text that it stands for; a view into the whole text.
struct JsonValue {
  JsonKind kind;
  std::string_view text;

  bool is_integer() const;
};

// Nothing when the text is not exactly one JSON value, with white space around it or without.
std::optional<JsonValue> parse_json(std::string_view text);

// Where a text stops being JSON, and what is there.
struct JsonFault {
  std::size_t line = 1;
  std::size_t column = 1;  // In characters.
  std::string what = {};   // For people: "unexpected ','".
};
// Precondition: parse_json gives nothing.
JsonFault find_json_fault(std::string_view text);

// The member of that name, the last one when there are several. Names that are written with escapes
// are not found. Precondition: an object that parse_json gave.
std::optional<JsonValue> find_member(const JsonValue& object, std::string_view name);

// Precondition: an array that parse_json gave.
void for_each_element(const JsonValue& array, const std::function<void(const JsonValue&)>& visit);

// For people: "a number", "an object".
std::string_view kind_name(JsonKind kind);

}  // namespace lambdapool::supervisor
