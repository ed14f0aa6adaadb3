#include "supervisor/json/json.h"

namespace lambdapool::supervisor {
namespace {

// Whether brackets outside of strings open deeper than the limit; the text need not be JSON.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::expected<Json, std::string> parse_json(std::string_view text) {
  if (too_deep(text)) {
    return std::unexpected("is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    return std::unexpected("is no JSON, from byte " + std::to_string(error.byte) + " on");
  } catch (const Json::exception&) {
    return std::unexpected("is no JSON: a number is out of range");
  }
}

std::string json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_page(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

const Json* member(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  for (auto found = object.begin(); found != object.end(); ++found) {
    if (found.key() == name) return &*found;
  }
  return nullptr;
}

std::string text_member(const Json& object, std::string_view name, std::string_view fallback) {
  const Json* value = member(object, name);
  const auto* text = value == nullptr ? nullptr : value->get_ptr<const std::string*>();
  return text == nullptr ? std::string(fallback) : *text;
}

double number_member(const Json& object, std::string_view name, double fallback) {
  const Json* value = member(object, name);
  return value != nullptr && value->is_number() ? value->get<double>() : fallback;
}

bool bool_member(const Json& object, std::string_view name, bool fallback) {
  const Json* value = member(object, name);
  return value != nullptr && value->is_boolean() ? value->get<bool>() : fallback;
}

std::optional<std::uint64_t> count_member(const Json& object, std::string_view name) {
  const Json* value = member(object, name);
  if (value == nullptr || !value->is_number_unsigned()) return std::nullopt;
  return value->get<std::uint64_t>();
}

const Json& array_member(const Json& object, std::string_view name) {
  static const Json kNone = Json::array();
  const Json* value = member(object, name);
  return value != nullptr && value->is_array() ? *value : kNone;
}

}  // namespace lambdapool::supervisor
