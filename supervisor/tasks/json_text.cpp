#include "supervisor/tasks/json_text.h"

#include <algorithm>

#include "supervisor/http/text.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }
  bool too_deep() const { return too_deep_; }
  bool at_end() const { return at_ == text_.size(); }
  std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }

  void skip_space() {
    while (!at_end() && std::string_view(" \t\n\r").contains(text_[at_])) ++at_;
  }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::optional<JsonKind> value(int depth) {
    too_deep_ = depth > kMaxJsonDepth;
    if (at_end() || too_deep_) return std::nullopt;
    switch (text_[at_]) {
      case '{':
        return object(depth) ? std::optional(JsonKind::kObject) : std::nullopt;
      case '[':
        return array(depth) ? std::optional(JsonKind::kArray) : std::nullopt;
      case '"':
        return string() ? std::optional(JsonKind::kString) : std::nullopt;
      case 't':
        return word("true") ? std::optional(JsonKind::kBoolean) : std::nullopt;
      case 'f':
        return word("false") ? std::optional(JsonKind::kBoolean) : std::nullopt;
      case 'n':
        return word("null") ? std::optional(JsonKind::kNull) : std::nullopt;
      default:
        return number() ? std::optional(JsonKind::kNumber) : std::nullopt;
    }
  }

  bool string() {
    if (!take('"')) return false;
    while (!at_end()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c == '\\') {
        if (!escape()) return false;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        return false;
      } else if (static_cast<unsigned char>(c) < 0x80) {
        ++at_;
      } else {
        const Character character = first_character(text_.substr(at_));
        if (!character.valid) return false;
        at_ += character.length;
      }
    }
    return false;
  }

 private:
  bool word(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }

  bool escape() {
    ++at_;
    if (at_end()) return false;
    if (!take('u')) {
      if (!std::string_view("\"\\/bfnrt").contains(text_[at_])) return false;
      ++at_;
      return true;
    }
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_end() || !is_hex(text_[at_])) return false;
    }
    return true;
  }

  bool digits() {
    const std::size_t begin = at_;
    while (!at_end() && is_digit(text_[at_])) ++at_;
    return at_ > begin;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  bool array(int depth) {
    ++at_;
    skip_space();
    if (take(']')) return true;
    for (;;) {
      skip_space();
      if (!value(depth + 1)) return false;
      skip_space();
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

  bool object(int depth) {
    ++at_;
    skip_space();
    if (take('}')) return true;
    for (;;) {
      skip_space();
      if (!string()) return false;
      skip_space();
      if (!take(':')) return false;
      skip_space();
      if (!value(depth + 1)) return false;
      skip_space();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool too_deep_ = false;
};

}  // namespace

bool JsonValue::is_integer() const {
  return kind == JsonKind::kNumber && text.find_first_of(".eE") == std::string_view::npos;
}

std::optional<JsonValue> parse_json(std::string_view text) {
  Scanner scanner(text);
  scanner.skip_space();
  const std::size_t begin = scanner.at();
  const auto kind = scanner.value(1);
  if (!kind) return std::nullopt;
  const std::string_view found = scanner.since(begin);
  scanner.skip_space();
  if (!scanner.at_end()) return std::nullopt;
  return JsonValue{*kind, found};
}

JsonFault find_json_fault(std::string_view text) {
  Scanner scanner(text);
  scanner.skip_space();
  if (scanner.value(1)) scanner.skip_space();
  const std::string_view before = text.substr(0, scanner.at());
  JsonFault fault;
  const std::size_t line_begin = before.rfind('\n') + 1;  // 0 when there is none.
  fault.line += static_cast<std::size_t>(std::ranges::count(before, '\n'));
  for (const char c : before.substr(line_begin)) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    if (!continues) ++fault.column;
  }
  if (scanner.too_deep()) {
    fault.what = "more than " + std::to_string(kMaxJsonDepth) + " levels";
  } else if (scanner.at_end()) {
    fault.what = "unexpected end";
  } else {
    const std::string_view rest = text.substr(scanner.at());
    fault.what = "unexpected '";
    append_escaped(fault.what, rest.substr(0, first_character(rest).length));
    fault.what += '\'';
  }
  return fault;
}

std::optional<JsonValue> find_member(const JsonValue& object, std::string_view name) {
  std::optional<JsonValue> found;
  Scanner scanner(object.text);
  scanner.take('{');
  scanner.skip_space();
  while (!scanner.take('}') && !scanner.at_end()) {
    const std::size_t name_begin = scanner.at();
    scanner.string();
    const std::string_view quoted = scanner.since(name_begin);
    scanner.skip_space();
    scanner.take(':');
    scanner.skip_space();
    const std::size_t begin = scanner.at();
    const auto kind = scanner.value(1);
    if (!kind) break;
    if (quoted.substr(1, quoted.size() - 2) == name) found = {*kind, scanner.since(begin)};
    scanner.skip_space();
    scanner.take(',');
    scanner.skip_space();
  }
  return found;
}

void for_each_element(const JsonValue& array, const std::function<void(const JsonValue&)>& visit) {
  Scanner scanner(array.text);
  scanner.take('[');
  scanner.skip_space();
  while (!scanner.take(']') && !scanner.at_end()) {
    const std::size_t begin = scanner.at();
    const auto kind = scanner.value(1);
    if (!kind) break;
    visit({*kind, scanner.since(begin)});
    scanner.skip_space();
    scanner.take(',');
    scanner.skip_space();
  }
}

std::string_view kind_name(JsonKind kind) {
  switch (kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kBoolean:
      return "a boolean";
    case JsonKind::kNumber:
      return "a number";
    case JsonKind::kString:
      return "a string";
    case JsonKind::kArray:
      return "an array";
    case JsonKind::kObject:
      return "an object";
  }
  return "a value";
}

}  // namespace lambdapool::supervisor
