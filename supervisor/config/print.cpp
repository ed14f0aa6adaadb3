#include "supervisor/config/print.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

#include "supervisor/config/luna_settings.h"
#include "supervisor/config/schema.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::string_view kOpening =
    "# The configuration of lambdapool: every key, what it means and its value.\n"
    "#\n"
    "# A key that is left out has its default. Flags and `--set key.path=value` override the file, "
    "and\n"
    "# `lambdapool config` shows the values in effect. Durations are 250ms, 2s, 5m, 1h; sizes are "
    "512B,\n"
    "# 64KiB, 10MiB, 1GiB. Relative paths count from the folder of this file.\n";
constexpr std::string_view kLunaComment =
    "LUNA's own settings, by their own names; as comments where nothing is set. Times are seconds. "
    "What ADDITIONAL_SERVICES_USAGE says 0 of is disabled even with an origin. With "
    "USE_CONFIGURATOR "
    "1 the settings of luna-configurator come before those of this file. INFLUX_MONITORING, "
    "LUNA_SERVICE_METRICS and LUNA_LAMBDA_UNIT_LOGGER set keys of monitoring, metrics and log, "
    "which come before them.";
constexpr std::size_t kWidth = 100;

// Appends `text` as comment lines, broken at spaces.
void append_comment(std::string& out, std::string_view text) {
  std::string line = "  #";
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (line.size() + 1 + word.size() > kWidth) {
      out += line + "\n";
      line = "  #";
    }
    line.append(" ").append(word);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  out += line + "\n";
}

// Whether YAML readers in general take it, unquoted, for the text that it is.
bool is_plain(std::string_view text) {
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("/._+-@").contains(c);
  };
  if (text.empty() || !std::ranges::all_of(text, is_word)) return false;
  if (std::string_view("+-@").contains(text.front())) return false;
  const std::string copy(text);
  char* end = nullptr;
  std::strtod(copy.c_str(), &end);
  const bool is_number = *end == '\0';
  constexpr std::string_view kReserved[] = {"null", "true", "false", "yes", "no",
                                            "on",   "off",  "y",     "n"};
  const auto same = [&](std::string_view word) {
    return std::ranges::equal(word, text, {}, {}, [](char c) {
      return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
  };
  return !is_number && std::ranges::none_of(kReserved, same);
}

std::string yaml_text(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out = "\"";
  append_escaped(out, text, "\"\\");
  return out + "\"";
}

std::string yaml_value(const Key& key, const std::string& text) {
  const bool is_text =
      key.kind == Kind::kText || key.kind == Kind::kSecret || key.kind == Kind::kPath;
  return is_text ? yaml_text(text) : text;
}

std::string comment_of(const Key& key) {
  std::string text(key.doc);
  if (const std::string range = value_range(key); !range.empty()) {
    text += " [" + range + (key.unit.empty() ? "" : " " + std::string(key.unit)) + "]";
  }
  return text;
}

}  // namespace

std::string print_config(const Config& config) {
  Config copy = config;
  std::string out(kOpening);
  for (const Section& section : sections()) {
    out.append("\n# ").append(section.doc).append("\n").append(section.name).append(":\n");
    for (const Key& key : keys()) {
      if (key.section() != section.name) continue;
      const std::string value = value_text(copy, key);
      append_comment(out, comment_of(key));
      out.append("  ").append(key.name()).append(": ").append(yaml_value(key, value));
      if (value != key.default_text) {
        out.append("  # Default: ").append(yaml_value(key, std::string(key.default_text)));
      }
      out.append("\n");
    }
    if (section.name == "luna") {
      append_comment(out, kLunaComment);
      out += luna_yaml(config.luna.settings);
    }
  }
  return out;
}

}  // namespace lambdapool::supervisor
