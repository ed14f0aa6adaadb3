#include "supervisor/config/python_settings.h"

#include "supervisor/config/luna_settings.h"
#include "supervisor/config/monitoring_settings.h"

namespace lambdapool::supervisor {

std::string python_settings(const Config& config) {
  std::string json = "{";
  if (!config.luna.settings.empty()) json += "\"luna\":" + luna_json(config.luna);
  // Without it monitoring is off.
  if (!config.monitoring.url.empty()) {
    if (json.size() > 1) json += ",";
    json += "\"monitoring\":" + monitoring_json(config.monitoring);
  }
  return json + "}";
}

}  // namespace lambdapool::supervisor
