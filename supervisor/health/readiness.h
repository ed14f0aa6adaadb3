// Whether a supervisor should be sent requests, and why not; pure.
//
//   starting    no worker has been ready yet
//   draining    it was told to stop
//   no_worker   workers have been ready, but none is now
//   crash_loop  every seat waits after a death, or workers die again and again: within
//               kDeathWindow as many times the number of seats as `crash_loop_deaths` says
//   queue       a request waits for longer than `max_queue_age`
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/pool/worker_pool.h"

namespace lambdapool::supervisor {

struct ReadinessLimits {
  Milliseconds max_queue_age{0};        // Zero: the queue says nothing.
  std::uint32_t crash_loop_deaths = 0;  // Per seat. Zero: only seats that wait count.
};

struct NotReady {
  std::string reason;  // One of the words above.
  std::string text;    // A line for people.
};

// Ready when there is no reason not to be.
std::vector<NotReady> why_not_ready(const PoolHealth& pool, bool draining,
                                    const ReadinessLimits& limits);

}  // namespace lambdapool::supervisor
