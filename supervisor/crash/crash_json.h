// What a crash file says of a worker that died.
#pragma once

#include <string>

#include "supervisor/config/config.h"
#include "supervisor/crash/worker_death.h"
#include "supervisor/json/json.h"

namespace lambdapool::supervisor {

// Which lambda it was.
struct DeathLambda {
  std::string id;
  std::string name;
  std::string version;
  std::string path;
};

// Requests beyond this many are only counted.
inline constexpr std::size_t kMaxDeathRequests = 200;

Json to_json(const WorkerDeath& death, const DeathLambda& lambda, const Json& limits);

// The configuration's limits that a death may have to do with, by their keys.
Json limits_json(Config config);

}  // namespace lambdapool::supervisor
