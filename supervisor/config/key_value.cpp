// How a key's value is read and written, by the type of its member.
#include <algorithm>
#include <concepts>
#include <limits>
#include <string>
#include <type_traits>

#include "supervisor/config/schema.h"
#include "supervisor/config/values.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

std::string choices(const Key& key) {
  Config any;
  return std::visit(
      []<class T>(T* member) -> std::string {
        if constexpr (std::is_enum_v<T>) {
          const auto names = names_of(*member);
          std::string text(names.front());
          for (std::size_t i = 1; i < names.size(); ++i) {
            text.append(i + 1 == names.size() ? " or " : ", ").append(names[i]);
          }
          return text;
        }
        return "";
      },
      key.member(any));
}

bool in_range(const Key& key, std::uint64_t value) {
  return value >= key.least && value <= key.most;
}

bool assign(std::string& member, const Key& key, std::string_view text) {
  if (!in_range(key, text.size()) || !is_printable(text)) return false;
  member = text;
  return true;
}

bool assign(bool& member, const Key&, std::string_view text) {
  const auto value = parse_bool(text);
  if (value) member = *value;
  return value.has_value();
}

template <std::unsigned_integral Number>
bool assign(Number& member, const Key& key, std::string_view text) {
  const auto value = key.kind == Kind::kSize ? parse_size(text) : parse_count(text);
  if (!value || !in_range(key, *value)) return false;
  member =
      static_cast<Number>(*value);  // A test checks that no key's range is wider than its member.
  return true;
}

bool assign(Milliseconds& member, const Key& key, std::string_view text) {
  const auto value = parse_duration(text);
  if (!value || !in_range(key, static_cast<std::uint64_t>(value->count()))) return false;
  member = *value;
  return true;
}

template <class Enum>
  requires std::is_enum_v<Enum>
bool assign(Enum& member, const Key&, std::string_view text) {
  const auto names = names_of(member);
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) return false;
  member = static_cast<Enum>(found - names.begin());
  return true;
}

std::string written(const std::string& value, const Key&) { return value; }
std::string written(bool value, const Key&) { return value ? "true" : "false"; }
std::string written(Milliseconds value, const Key&) { return format_duration(value); }

template <std::unsigned_integral Number>
std::string written(Number value, const Key& key) {
  return key.kind == Kind::kSize ? format_size(value) : std::to_string(value);
}

template <class Enum>
  requires std::is_enum_v<Enum>
std::string written(Enum value, const Key&) {
  return std::string(to_string(value));
}

// Whether the member is as config.h initialises it.
bool at_default(const Member& member, const Key& key) {
  Config defaults;
  return std::visit(
      [&]<class T>(const T* value) { return *value == *std::get<T*>(key.member(defaults)); },
      member);
}

}  // namespace

std::string expected_value(const Key& key) {
  const std::string unit = key.unit.empty() ? "" : "of " + std::string(key.unit) + " ";
  switch (key.kind) {
    case Kind::kText:
    case Kind::kSecret:
      return "text of " + std::string(key.least == 0 ? "at most " : "1 to ") +
             std::to_string(key.most) + " bytes without control characters";
    case Kind::kPath:
      return "a path of at most " + std::to_string(key.most) + " bytes without control characters";
    case Kind::kCount:
      return "a whole number " + unit + "from " + value_range(key);
    case Kind::kSize:
      return "a size from " + value_range(key) + ", such as 512B, 64KiB, 10MiB or 1GiB";
    case Kind::kDuration:
      return "a duration from " + value_range(key) + ", such as 250ms, 2s, 5m or 1h";
    case Kind::kBool:
    case Kind::kChoice:
      return value_range(key);
  }
  return "";
}

std::string value_range(const Key& key) {
  const auto duration = [](std::uint64_t ms) {
    return format_duration(Milliseconds(static_cast<Milliseconds::rep>(ms)));
  };
  const std::string off = key.default_text == "off" ? "off, or " : "";
  switch (key.kind) {
    case Kind::kText:
    case Kind::kSecret:
    case Kind::kPath:
      return "";
    case Kind::kBool:
      return "true or false";
    case Kind::kCount:
      return off + std::to_string(key.least) + " to " + std::to_string(key.most);
    case Kind::kSize:
      return off + format_size(key.least) + " to " + format_size(key.most);
    case Kind::kDuration:
      return off + duration(key.least) + " to " + duration(key.most);
    case Kind::kChoice:
      return choices(key);
  }
  return "";
}

std::expected<void, std::string> set_value(Config& config, const Key& key, std::string_view text) {
  // A default's text may be a name for what the member says otherwise: `stderr` is the empty path.
  if (text == key.default_text) {
    Config defaults;
    std::visit([&]<class T>(T* member) { *member = *std::get<T*>(key.member(defaults)); },
               key.member(config));
    return {};
  }
  if (key.kind == Kind::kSecret && text == kMask) {
    return std::unexpected("must be the secret itself, not the " + in_quotes(kMask) +
                           " that stands for it where it is not shown");
  }
  if (std::visit([&](auto* member) { return assign(*member, key, text); }, key.member(config)))
    return {};
  if (key.kind == Kind::kSecret) return std::unexpected("must be " + expected_value(key));
  std::string why = "must be " + expected_value(key) + ", not " + in_quotes(text);
  const auto bytes = key.kind == Kind::kSize ? parse_count(text) : std::nullopt;
  if (bytes && *bytes < key.least) {
    for (const std::string_view unit : {"KiB", "MiB"}) {
      const std::string meant = std::string(text).append(unit);
      const auto size = parse_size(meant);
      if (!size || !in_range(key, *size)) continue;
      why.append(", which are bytes; did you mean ").append(meant).append("?");
      break;
    }
  }
  return std::unexpected(std::move(why));
}

std::string value_text(Config& config, const Key& key) {
  const Member member = key.member(config);
  if (at_default(member, key)) return std::string(key.default_text);
  if (key.kind == Kind::kSecret) return std::string(kMask);
  return std::visit([&](auto* value) { return written(*value, key); }, member);
}

}  // namespace lambdapool::supervisor
