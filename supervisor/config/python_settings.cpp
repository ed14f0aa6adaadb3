#include "supervisor/config/python_settings.h"

#include <string_view>

#include "supervisor/config/luna_settings.h"
#include "supervisor/config/monitoring_settings.h"

namespace lambdapool::supervisor {

std::string python_settings(const Config& config) {
  std::string json = "{";
  const auto add = [&json](std::string_view name, const std::string& value) {
    if (json.size() > 1) json += ",";
    json.append("\"").append(name).append("\":").append(value);
  };
  if (!config.luna.settings.empty()) add("luna", luna_json(config.luna));
  // Without it monitoring is off.
  if (!config.monitoring.url.empty()) add("monitoring", monitoring_json(config.monitoring));
  if (!config.lambda.user_config_json.empty()) add("user_config", config.lambda.user_config_json);
  return json + "}";
}

}  // namespace lambdapool::supervisor
