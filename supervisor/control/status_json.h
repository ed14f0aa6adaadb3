// The status of a supervisor as JSON: the answer to `status` on the control socket and to /status
// on the admin listener.
//
// Times of day are UTC texts, durations seconds, sizes bytes. Members are only ever added.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/health/readiness.h"
#include "supervisor/json/json.h"
#include "supervisor/metrics/totals.h"
#include "supervisor/pool/pool_status.h"
#include "supervisor/pool/quarantine.h"
#include "supervisor/tasks/task_figures.h"

namespace lambdapool::supervisor {

struct SupervisorStatus {
  int pid = 0;
  std::chrono::system_clock::time_point started;
  std::chrono::nanoseconds age{0};
  std::string state;  // starting, serving, reloading or draining.
  std::uint64_t generation = 0;
  std::string lambda_id;
  std::string lambda_name;
  std::string lambda_version;
  std::string lambda_path;
  std::string config_file;  // Empty: none.
  std::string address;
  std::string log_level;
  std::vector<NotReady> not_ready;
  PoolStatus pool;
  const Totals& totals;
  std::optional<TaskFigures> tasks = {};  // Of a tasks lambda.
};

// Requests in flight beyond this many for all workers together are only counted.
inline constexpr std::size_t kMaxListedRequests = 1000;

Json to_json(const SupervisorStatus& status);
Json to_json(const std::vector<NotReady>& reasons);
Json quarantine_json(const std::vector<QuarantineEntry>& entries);

}  // namespace lambdapool::supervisor
