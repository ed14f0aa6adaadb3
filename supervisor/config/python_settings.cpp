#include "supervisor/config/python_settings.h"

#include "supervisor/config/luna_settings.h"

namespace lambdapool::supervisor {

std::string python_settings(const Config& config) {
  std::string json = "{";
  if (!config.luna.settings.empty()) json += "\"luna\":" + luna_json(config.luna);
  return json + "}";
}

}  // namespace lambdapool::supervisor
