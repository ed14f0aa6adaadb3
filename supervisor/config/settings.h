// Values for keys as someone wrote them, in a file or on the command line, and how they become a
// Config.
//
// Every complaint opens with the origin of the setting it is about, and all are made at once.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/config/config.h"

namespace lambdapool::supervisor {

// A file that is no configuration at all earns no more complaints than these.
inline constexpr std::size_t kMaxComplaints = 50;

struct Setting {
  enum class Shape { kText, kNothing, kMapping, kList };

  std::string origin;  // "lambdapool.yml:3: server.port", "--port 0".
  std::string key;     // "server.port".
  std::string value;
  Shape shape = Shape::kText;
};

// Reads the argument of --set, `key.path=value`.
std::expected<Setting, std::string> parse_set(std::string_view argument);

// Sets members in the order of the settings, so that a later one wins. Relative paths count from
// `folder`.
void apply_settings(Config& config, const std::vector<Setting>& settings,
                    const std::filesystem::path& folder, std::vector<std::string>& errors);

// What holds between keys: limits that would never take effect are mistakes.
void check_together(Config& config, std::vector<std::string>& errors);

// ", did you mean 'x'?" or nothing.
std::string did_you_mean(std::string_view key);

}  // namespace lambdapool::supervisor
