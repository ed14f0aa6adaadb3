#include "supervisor/config/monitoring_settings.h"

#include <string_view>

#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

void append_member(std::string& json, std::string_view name) {
  if (json.back() != '{') json += ',';
  json.append("\"").append(name).append("\":");
}

void append_text(std::string& json, std::string_view name, std::string_view value) {
  append_member(json, name);
  json += '"';
  append_json_escaped(json, value);
  json += '"';
}

void append_number(std::string& json, std::string_view name, std::string_view value) {
  append_member(json, name);
  json += value;
}

// In seconds, exactly: a double has not every millisecond.
std::string seconds(Milliseconds duration) {
  std::string fraction = std::to_string(duration.count() % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return std::to_string(duration.count() / 1000) + "." + fraction;
}

}  // namespace

std::string monitoring_json(const MonitoringConfig& monitoring) {
  std::string json = "{";
  append_text(json, "url", monitoring.url);
  append_text(json, "organization", monitoring.organization);
  append_text(json, "bucket", monitoring.bucket);
  append_text(json, "database", monitoring.database);
  append_text(json, "token", monitoring.token);
  append_number(json, "flush_period", seconds(monitoring.flush_period));
  append_number(json, "batch", std::to_string(monitoring.batch));
  append_number(json, "buffer", std::to_string(monitoring.buffer));
  append_number(json, "timeout", seconds(monitoring.timeout));
  return json + "}";
}

void check_monitoring(const MonitoringConfig& monitoring, std::vector<std::string>& errors) {
  if (monitoring.url.empty()) return;
  const std::string_view url = monitoring.url;
  const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  if (scheme == 0 || scheme == url.size() || url.find_first_of("?#@ ") != std::string_view::npos) {
    errors.emplace_back(
        "monitoring.url: must be http://HOST:PORT or https://HOST:PORT, without user, query and "
        "blanks");
  }
  if (monitoring.bucket.empty() == monitoring.database.empty()) {
    errors.emplace_back(
        "monitoring.url is set: set monitoring.bucket (InfluxDB 2) or monitoring.database "
        "(InfluxDB 1), one of them");
  }
  if (!monitoring.bucket.empty() && monitoring.organization.empty()) {
    errors.emplace_back("monitoring.bucket is set: set monitoring.organization, too");
  }
}

}  // namespace lambdapool::supervisor
