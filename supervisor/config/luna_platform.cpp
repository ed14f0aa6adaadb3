#include "supervisor/config/luna_platform.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <expected>
#include <optional>
#include <utility>

#include "supervisor/config/values.h"
#include "supervisor/http/text.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::string_view kInflux = "luna.INFLUX_MONITORING";
constexpr std::string_view kMetrics = "luna.LUNA_SERVICE_METRICS";
constexpr std::string_view kLogger = "luna.LUNA_LAMBDA_UNIT_LOGGER";
constexpr std::string_view kFormat = "prometheus";

struct PlatformSetting {
  std::string_view group;
  std::string_view member;
  std::string_view key;     // Whose value it is, as it stands; empty for what is not that simple.
  std::string_view remark;  // Of one without effect: what there is instead.

  std::string path() const { return std::string(group).append(".").append(member); }
};

constexpr std::array kTable = {
    PlatformSetting{kInflux, "SEND_DATA_FOR_MONITORING", "", ""},
    PlatformSetting{kInflux, "USE_SSL", "", ""},
    PlatformSetting{kInflux, "HOST", "", ""},
    PlatformSetting{kInflux, "PORT", "", ""},
    PlatformSetting{kInflux, "ORGANIZATION", "monitoring.organization", ""},
    PlatformSetting{kInflux, "BUCKET", "monitoring.bucket", ""},
    PlatformSetting{kInflux, "DATABASE_NAME", "monitoring.database", ""},
    PlatformSetting{kInflux, "USER_NAME", "", ""},
    PlatformSetting{kInflux, "PASSWORD", "", ""},
    PlatformSetting{kInflux, "TOKEN", "monitoring.token", ""},
    PlatformSetting{kInflux, "FLUSHING_PERIOD", "", ""},
    PlatformSetting{kMetrics, "ENABLED", "", ""},
    PlatformSetting{kMetrics, "METRICS_FORMAT", "", ""},
    PlatformSetting{kMetrics, "EXTRA_LABELS", "", "give labels where Prometheus scrapes"},
    PlatformSetting{kLogger, "LOG_LEVEL", "", ""},
    PlatformSetting{kLogger, "FOLDER_WITH_LOGS", "", "see log.file"},
    PlatformSetting{kLogger, "LOG_TIME", "", "times are UTC"},
    PlatformSetting{kLogger, "MAX_LOG_FILE_SIZE", "", "rotate log.file from outside, with USR1"},
    PlatformSetting{kLogger, "LOG_TO_STDOUT", "", "see log.file"},
    PlatformSetting{kLogger, "LOG_TO_FILE", "", "see log.file"},
    PlatformSetting{kLogger, "MULTILINE_STACK_TRACE", "", "see log.format"},
};

// The member at a path, whose member's name may be in small letters.
const PlatformSetting* find_row(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return nullptr;
  const auto found = std::ranges::find_if(kTable, [&](const PlatformSetting& row) {
    return row.group == path.substr(0, dot) &&
           equals_ignoring_case(row.member, path.substr(dot + 1));
  });
  return found == kTable.end() ? nullptr : found;
}

std::optional<bool> parse_switch(std::string_view text) {
  if (text == "0" || text == "1") return text == "1";
  return parse_bool(text);
}

// What is wrong with the setting's shape, or nothing.
std::string fault_of_shape(const Setting& setting) {
  switch (setting.shape) {
    case Setting::Shape::kText:
      return "";
    case Setting::Shape::kNothing:
      return "has no value; give one, or remove the line";
    case Setting::Shape::kMapping:
    case Setting::Shape::kList:
      return "must be a value, not a mapping or a list";
  }
  return "";
}

}  // namespace

bool is_platform_group(std::string_view path) {
  return std::ranges::find(kTable, path, &PlatformSetting::group) != kTable.end();
}

bool is_platform_secret(std::string_view path) {
  const PlatformSetting* const row = find_row(path);
  return row != nullptr && (row->member == "TOKEN" || row->member == "PASSWORD");
}

std::span<const std::string> platform_paths() {
  static const std::vector<std::string> kPaths = [] {
    std::vector<std::string> made;
    for (const PlatformSetting& row : kTable) {
      if (made.empty() || !made.back().starts_with(row.group)) made.emplace_back(row.group);
      made.push_back(row.path());
    }
    return made;
  }();
  return kPaths;
}

std::vector<Setting> LunaPlatform::take(std::vector<Setting> settings,
                                        std::vector<std::string>& errors) {
  std::vector<Setting> others;
  for (Setting& setting : settings) {
    const PlatformSetting* const row = find_row(setting.key);
    if (row != nullptr) {
      const std::string fault = row->remark.empty() ? fault_of_shape(setting) : "";
      if (!fault.empty()) {
        errors.push_back(setting.origin + ": " + fault);
        continue;
      }
      settings_.insert_or_assign(row->path(), std::move(setting));
    } else if (!is_platform_group(setting.key)) {
      others.push_back(std::move(setting));
    } else if (setting.shape != Setting::Shape::kNothing) {
      errors.push_back(setting.origin + ": must be a mapping");
    }
  }
  return others;
}

const Setting* LunaPlatform::find(std::string_view path) const {
  const auto found = settings_.find(path);
  return found == settings_.end() ? nullptr : &found->second;
}

std::vector<Setting> LunaPlatform::as_own(std::vector<std::string>& errors) const {
  std::vector<Setting> own;
  for (const auto& [path, setting] : settings_) {
    const PlatformSetting* const row = find_row(path);
    if (!row->key.empty()) {
      own.push_back({setting.origin, std::string(row->key), setting.value});
    } else if (row->group == kMetrics && row->member == "ENABLED") {
      const auto on = parse_switch(setting.value);
      const std::string value = on ? (*on ? "true" : "false") : setting.value;
      own.push_back({setting.origin, "metrics.enabled", value});
    } else if (row->member == "METRICS_FORMAT" && setting.value != kFormat) {
      errors.push_back(setting.origin + ": must be prometheus, not " + in_quotes(setting.value));
    } else if (row->member == "LOG_LEVEL") {
      std::string level = setting.value;
      std::ranges::transform(level, level.begin(), to_lower);
      own.push_back({setting.origin, "log.level", std::move(level)});
    }
  }
  monitoring(own, errors);
  return own;
}

// The members of INFLUX_MONITORING that are not keys of lambdapool as they stand.
void LunaPlatform::monitoring(std::vector<Setting>& own, std::vector<std::string>& errors) const {
  const auto member = [this](std::string_view name) {
    return find(std::string(kInflux).append(".").append(name));
  };
  const auto complain = [&errors](const Setting& setting, std::string_view expected) {
    errors.push_back(setting.origin + ": must be " + std::string(expected) + ", not " +
                     in_quotes(setting.value));
  };
  const auto switched = [&](std::string_view name, bool unset) {
    const Setting* const setting = member(name);
    if (setting == nullptr) return unset;
    const auto value = parse_switch(setting->value);
    if (!value) complain(*setting, "0 or 1");
    return value.value_or(unset);
  };

  const bool on = switched("SEND_DATA_FOR_MONITORING", true);
  const std::string scheme = switched("USE_SSL", false) ? "https://" : "http://";
  std::string host = "127.0.0.1";
  std::string port = "8086";
  if (const Setting* const setting = member("HOST")) {
    host = setting->value;
    if (host.empty() || host.find_first_of("/?#@ ") != std::string::npos) {
      complain(*setting, "a host name or an address");
    }
    if (host.contains(':') && !host.starts_with('[')) host = "[" + host + "]";
  }
  if (const Setting* const setting = member("PORT")) {
    port = setting->value;
    const auto number = parse_count(port);
    if (!number || *number == 0 || *number > 65535) complain(*setting, "a port from 1 to 65535");
  }
  const auto first = settings_.lower_bound(kInflux);
  if (on && first != settings_.end() && first->first.starts_with(kInflux)) {
    const Setting* const named = member("HOST");
    own.push_back({named != nullptr ? named->origin : first->second.origin, "monitoring.url",
                   scheme + host + ":" + port});
  }
  // InfluxDB 1.
  const Setting* const user = member("USER_NAME");
  const Setting* const password = member("PASSWORD");
  if (user != nullptr && !user->value.empty() && member("TOKEN") == nullptr) {
    own.push_back({user->origin, "monitoring.token",
                   user->value + ":" + (password != nullptr ? password->value : "")});
  }
  if (const Setting* const setting = member("FLUSHING_PERIOD")) {
    double seconds = 0;
    const std::string& text = setting->value;
    const auto [stop, error] =
        std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
    if (error != std::errc{} || stop != text.data() + text.size() || !(seconds >= 0.01) ||
        seconds > 3600) {
      complain(*setting, "a number of seconds from 0.01 to 3600");
    } else {
      own.push_back({setting->origin, "monitoring.flush_period",
                     std::to_string(std::llround(seconds * 1000)) + "ms"});
    }
  }
}

std::vector<std::string> LunaPlatform::remarks() const {
  std::vector<std::string> remarks;
  for (const auto& [path, setting] : settings_) {
    const std::string_view remark = find_row(path)->remark;
    if (remark.empty()) continue;
    remarks.push_back(setting.origin + ": has no effect; " + std::string(remark));
  }
  return remarks;
}

}  // namespace lambdapool::supervisor
