// What a pool and its workers are doing right now, as plain values for operators.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/pool/gone_cause.h"
#include "supervisor/pool/process_usage.h"

namespace lambdapool::supervisor {

enum class WorkerState { kStarting, kReady, kRetiring, kStopping, kGone };
std::string_view to_string(WorkerState state);

struct RequestStatus {
  std::string id;  // Empty when its client has its answer already, or has left.
  std::chrono::nanoseconds age{0};
  bool begun = false;  // The lambda's code has begun to run for it.
};

struct WorkerStatus {
  std::uint32_t number = 0;
  int pid = 0;
  WorkerState state = WorkerState::kStarting;
  std::uint64_t generation = 0;
  std::chrono::system_clock::time_point started;
  std::chrono::nanoseconds age{0};
  std::uint64_t served = 0;
  std::size_t in_flight = 0;
  std::vector<RequestStatus> requests = {};  // Those in flight, the oldest first.
  std::optional<ProcessUsage> usage = {};
};

// How a seat's last worker ended.
struct LastExit {
  GoneCause cause = GoneCause::kStopped;
  std::string text;
  std::chrono::system_clock::time_point when;
};

struct SeatStatus {
  std::uint32_t number = 0;
  std::optional<WorkerStatus> worker = {};  // Nothing while it waits to be started again.
  std::optional<WorkerStatus> next = {};    // Who takes the seat when it is ready.
  std::optional<LastExit> last_exit = {};
  std::map<GoneCause, std::uint64_t> exits = {};
};

struct PoolStatus {
  std::vector<SeatStatus> seats = {};
  std::vector<WorkerStatus> spares = {};
  std::vector<WorkerStatus> retiring = {};
  std::size_t queued = 0;
  std::size_t queue_length = 0;
  std::chrono::nanoseconds oldest_queued{0};
  std::string lambda_type = {};
  std::map<GoneCause, std::uint64_t> exits = {};  // Of all workers there have been.
};

}  // namespace lambdapool::supervisor
