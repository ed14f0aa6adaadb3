#include "supervisor/config/settings.h"

#include <algorithm>
#include <array>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "supervisor/config/listen_address.h"
#include "supervisor/config/luna_platform.h"
#include "supervisor/config/luna_settings.h"
#include "supervisor/config/monitoring_settings.h"
#include "supervisor/config/nearest.h"
#include "supervisor/config/schema.h"
#include "supervisor/http/text.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

// Of two limits the narrower one, the wider one, and why the first cannot be above the second.
struct Rule {
  std::string_view narrow;
  std::string_view wide;
  std::string_view why;
};

constexpr std::array kRules = {
    Rule{"server.max_body", "server.max_buffered", "the bodies of all requests together"},
    Rule{"server.max_target", "server.max_head", "which includes the target"},
    Rule{"server.max_field", "server.max_head", "which includes every header line"},
    Rule{"lambda.max_file", "lambda.max_total", "which is for all files together"},
    Rule{"pool.queue_timeout", "pool.request_timeout", "which includes the time in the queue"},
    Rule{"pool.restart_backoff", "pool.restart_backoff_max", "where the pause stops growing"},
};

std::uint64_t magnitude(const Member& member) {
  return std::visit(
      []<class T>(const T* value) -> std::uint64_t {
        if constexpr (std::is_same_v<T, Milliseconds>)
          return static_cast<std::uint64_t>(value->count());
        if constexpr (std::is_integral_v<T>) return *value;
        return 0;
      },
      member);
}

// Absolute, if `folder` is. Symbolic links keep their names, since what they point to may change
// between reloads; only a path with `..` in it must be followed to know where it leads.
std::string resolved(std::string_view path, const std::filesystem::path& folder) {
  const std::filesystem::path joined = folder / path;
  std::string whole = joined.lexically_normal().string();
  if (std::ranges::find(joined, "..") != joined.end()) {
    std::error_code error;
    const auto followed = std::filesystem::weakly_canonical(joined, error);
    whole = error ? joined.string() : followed.string();
  }
  while (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return whole;
}

std::expected<void, std::string> apply_luna(LunaConfig& luna, const Setting& setting) {
  switch (setting.shape) {
    case Setting::Shape::kNothing:
      return std::unexpected("has no value; give one, or remove the line");
    case Setting::Shape::kMapping:
      if (std::ranges::find(luna_paths(), setting.key) != luna_paths().end()) {
        return std::unexpected("must be a value, not a mapping");
      }
      return std::unexpected("unknown key" + did_you_mean(setting.key));
    case Setting::Shape::kList:
      return std::unexpected("must not be a list");
    case Setting::Shape::kText:
      break;
  }
  return set_luna_value(luna.settings, setting.key, setting.value);
}

std::expected<void, std::string> apply(Config& config, const Setting& setting,
                                       const std::filesystem::path& folder) {
  const Key* const key = find_key(setting.key);
  if (key == nullptr && (is_luna_group(setting.key) || setting.key.starts_with(kLunaPrefix))) {
    return apply_luna(config.luna, setting);
  }
  if (key == nullptr) {
    if (find_section(setting.key) != nullptr) {
      return std::unexpected(
          "is a section; name one of its keys, as in '" +
          std::string(std::ranges::find(keys(), setting.key, &Key::section)->path) + "'");
    }
    return std::unexpected("unknown key" + did_you_mean(setting.key));
  }
  switch (setting.shape) {
    case Setting::Shape::kNothing:
      return std::unexpected(
          "has no value; give one, write \"\" for an empty one, or remove the line");
    case Setting::Shape::kMapping:
      return std::unexpected("must be " + expected_value(*key) + ", not a mapping");
    case Setting::Shape::kList:
      return std::unexpected("must be " + expected_value(*key) + ", not a list");
    case Setting::Shape::kText:
      break;
  }
  const bool relative = key->kind == Kind::kPath && !setting.value.empty() &&
                        setting.value != key->default_text && is_printable(setting.value);
  return set_value(config, *key, relative ? resolved(setting.value, folder) : setting.value);
}

constexpr std::string_view kReference = "; `lambdapool config` shows every key";

// Of a section that there is only its own keys are meant; of others, what has the very same name is
// told of.
std::string did_you_mean_in(std::string_view section, std::string_view key) {
  const std::string_view name = key.substr(section.size() + 1);
  std::vector<std::string_view> names;
  for (const Key& known : keys()) {
    if (known.section() == section) names.push_back(known.name());
  }
  if (section == kLunaPrefix.substr(0, kLunaPrefix.size() - 1)) {
    for (const std::string_view path : luna_paths()) {
      names.push_back(path.substr(kLunaPrefix.size()));
    }
  }
  std::erase(names, name);
  if (const auto meant = nearest(name, names)) {
    return "; did you mean '" + std::string(section) + "." + std::string(*meant) + "'?";
  }
  const auto same = std::ranges::find(keys(), name, &Key::name);
  if (same == keys().end()) return std::string(kReference);
  return "; '" + std::string(name) + "' is a key of " + std::string(same->section()) + ", not of " +
         std::string(section);
}

// The nearest of a path and its parents that there is.
std::filesystem::path existing_part(std::filesystem::path path) {
  std::error_code error;
  while (!std::filesystem::exists(path, error) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path;
}

void check_crash_folder(const CrashConfig& crash, std::vector<std::string>& errors) {
  if (crash.folder.empty()) return;
  const std::filesystem::path found = existing_part(crash.folder);
  std::error_code error;
  if (std::filesystem::is_directory(found, error) || error) return;
  errors.push_back("crash.folder: must be a folder, which is made when it is not there; " +
                   in_quotes(found.string()) + " is a file");
}

// It is a part of paths and of URLs.
void check_lambda_id(const LambdaConfig& lambda, std::vector<std::string>& errors) {
  const auto fits = [](char c) {
    return is_digit(c) || is_alpha(c) || std::string_view("-._").contains(c);
  };
  if (std::ranges::all_of(lambda.id, fits)) return;
  errors.push_back(
      "lambda.id: must be a UUID as LUNA gives it, or at least of letters, digits, '-', '.' and "
      "'_', since it is a part of URLs; leave it empty for one made from the name; it is " +
      in_quotes(lambda.id));
}

}  // namespace

std::expected<Setting, std::string> parse_set(std::string_view argument) {
  const std::size_t equals = argument.find('=');
  const Key* const key = find_key(argument.substr(0, equals));
  std::string origin = "--set ";
  const std::string_view path = argument.substr(0, equals);
  if ((key != nullptr && key->kind == Kind::kSecret) || is_platform_secret(path)) {
    origin.append(path).append("=").append(kMask);
  } else {
    append_escaped(origin, clipped(argument, 200));
  }
  if (equals == std::string_view::npos || equals == 0) {
    return std::unexpected(origin + ": must be key.path=value, as in --set pool.workers=4");
  }
  return Setting{std::move(origin), std::string(argument.substr(0, equals)),
                 std::string(argument.substr(equals + 1))};
}

void apply_settings(Config& config, const std::vector<Setting>& settings,
                    const std::filesystem::path& folder, std::vector<std::string>& errors) {
  for (const Setting& setting : settings) {
    if (errors.size() >= kMaxComplaints) return;
    const auto applied = apply(config, setting, folder);
    if (!applied) errors.push_back(setting.origin + ": " + applied.error());
  }
}

void check_together(Config& config, std::vector<std::string>& errors) {
  Config defaults;
  for (const auto& [narrow, wide, why] : kRules) {
    const Key& narrow_key = *find_key(narrow);
    const Key& wide_key = *find_key(wide);
    const Member member = narrow_key.member(config);
    const std::uint64_t value = magnitude(member);
    if (value <= magnitude(wide_key.member(config))) continue;
    // Whoever narrows the wide limit need not know of the other's default: that one then simply
    // never acts.
    if (value == magnitude(narrow_key.member(defaults))) continue;
    errors.push_back(std::string(narrow) + ": must not be more than " + std::string(wide) + " (" +
                     value_text(config, wide_key) + "), " + std::string(why) + "; it is " +
                     value_text(config, narrow_key));
  }
  if (!config.admin.listen.empty()) {
    if (const auto address = parse_listen_address(config.admin.listen); !address) {
      errors.push_back("admin.listen: " + address.error() + "; it is " +
                       in_quotes(config.admin.listen));
    }
  }
  check_crash_folder(config.crash, errors);
  check_lambda_id(config.lambda, errors);
  check_monitoring(config.monitoring, errors);
  // A body that can never be held is too large (413), not one to send again later (503).
  config.server.max_body = std::min(config.server.max_body, config.server.max_buffered);
  check_luna(config.luna, errors);
}

std::string did_you_mean(std::string_view key) {
  const std::string_view section = key.substr(0, key.find('.'));
  if (section != key && find_section(section) != nullptr) return did_you_mean_in(section, key);
  std::vector<std::string_view> candidates;
  for (const Section& each : sections()) candidates.push_back(each.name);
  for (const Key& known : keys()) candidates.push_back(known.path);
  candidates.insert(candidates.end(), luna_paths().begin(), luna_paths().end());
  std::optional<std::string_view> meant;
  // LUNA's settings as LUNA itself has them, outside of a section.
  const auto luna = std::ranges::find(luna_paths(), std::string(kLunaPrefix).append(key));
  if (luna != luna_paths().end()) meant = *luna;
  // The right name under a wrong section, or under none, says more than a few equal letters.
  const auto same = std::ranges::find(keys(), key.substr(key.rfind('.') + 1), &Key::name);
  if (!meant && same != keys().end()) meant = same->path;
  if (!meant) meant = nearest(key, candidates);
  if (!meant || *meant == key) return std::string(kReference);
  return "; did you mean '" + std::string(*meant) + "'?";
}

}  // namespace lambdapool::supervisor
