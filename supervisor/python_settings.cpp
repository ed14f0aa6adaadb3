#include "supervisor/python_settings.h"

#include "supervisor/config/luna_settings.h"

namespace lambdapool::supervisor {

std::string python_settings(const Config& config) {
  return "{\"luna\":" + luna_json(config.luna) + "}";
}

}  // namespace lambdapool::supervisor
