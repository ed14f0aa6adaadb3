// Settings of LUNA's for which lambdapool has keys of its own: INFLUX_MONITORING,
// LUNA_SERVICE_METRICS and LUNA_LAMBDA_UNIT_LOGGER, below the section `luna`.
//
// They become settings of those keys that are applied before all others: where both are given,
// lambdapool's own key wins, wherever it stands. Members are known in capitals and in small
// letters; LUNA's pages have both.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/config/settings.h"

namespace lambdapool::supervisor {

// Whether this is the path of such a group, whose value is a mapping.
bool is_platform_group(std::string_view path);

// Whether the value at this path must not be shown.
bool is_platform_secret(std::string_view path);

// Every such group and every member, as paths.
std::span<const std::string> platform_paths();

class LunaPlatform {
 public:
  // Takes the settings of these groups out of the others; of several for one member the last one
  // counts.
  std::vector<Setting> take(std::vector<Setting> settings, std::vector<std::string>& errors);

  // As settings of lambdapool's keys.
  std::vector<Setting> as_own(std::vector<std::string>& errors) const;

  // About those that lambdapool can do nothing with.
  std::vector<std::string> remarks() const;

 private:
  const Setting* find(std::string_view path) const;
  void monitoring(std::vector<Setting>& own, std::vector<std::string>& errors) const;

  std::map<std::string, Setting, std::less<>> settings_;  // By path.
};

}  // namespace lambdapool::supervisor
