#include "supervisor/config/changes.h"

#include <algorithm>
#include <array>

#include "supervisor/config/luna_settings.h"
#include "supervisor/config/schema.h"

namespace lambdapool::supervisor {
namespace {

// Sections and keys that a reload applies.
constexpr std::array<std::string_view, 13> kLive = {
    "pool",
    "quarantine",
    "worker",
    "luna",
    "monitoring",
    "log.level",
    "lambda.venv",
    "lambda.user_config",
    "lambda.version",
    "lambda.max_entries",
    "lambda.max_total",
    "lambda.max_file",
    "lambda.max_ratio",
};

// What is set up for them once is.
constexpr std::array<std::string_view, 2> kNotLive = {"worker.user", "worker.group"};

bool is_live(const Key& key) {
  if (std::ranges::find(kNotLive, key.path) != kNotLive.end()) return false;
  return std::ranges::any_of(
      kLive, [&](std::string_view live) { return live == key.path || live == key.section(); });
}

// Their texts do not tell: those of two secrets are alike.
bool same_value(const Key& key, Config& before, Config& after) {
  return std::visit(
      [&]<class T>(const T* value) { return *value == *std::get<T*>(key.member(after)); },
      key.member(before));
}

}  // namespace

std::vector<ConfigChange> find_changes(Config before, Config after) {
  std::vector<ConfigChange> changes;
  for (const Key& key : keys()) {
    if (same_value(key, before, after)) continue;
    changes.push_back({key.path, value_text(before, key), value_text(after, key), !is_live(key)});
  }
  if (before.lambda.user_config == after.lambda.user_config &&
      before.lambda.user_config_json != after.lambda.user_config_json) {
    changes.push_back({"lambda.user_config", before.lambda.user_config,
                       after.lambda.user_config + ", which holds something else", false});
  }
  for (const std::string_view path : luna_paths()) {
    std::string old_text = luna_value_text(before.luna.settings, path);
    std::string new_text = luna_value_text(after.luna.settings, path);
    if (old_text == new_text) continue;
    changes.push_back({path, std::move(old_text), std::move(new_text), false});
  }
  return changes;
}

Config with_live_changes(Config before, Config after) {
  for (const Key& key : keys()) {
    if (!is_live(key)) continue;
    std::visit([&]<class T>(T* member) { *member = *std::get<T*>(key.member(after)); },
               key.member(before));
  }
  before.lambda.user_config_json = after.lambda.user_config_json;
  before.luna.settings = after.luna.settings;
  return before;
}

}  // namespace lambdapool::supervisor
