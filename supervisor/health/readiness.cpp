#include "supervisor/health/readiness.h"

#include <algorithm>

namespace lambdapool::supervisor {

std::vector<NotReady> why_not_ready(const PoolHealth& pool, bool draining,
                                    const ReadinessLimits& limits) {
  std::vector<NotReady> reasons;
  if (draining) reasons.push_back({"draining", "it was told to stop"});
  if (!pool.ever_ready) {
    reasons.push_back({"starting", "no worker has been ready yet"});
  } else if (pool.ready == 0) {
    reasons.push_back({"no_worker", "none of " + std::to_string(pool.seats) + " workers is ready"});
  }
  if (pool.seats > 0 && pool.waiting == pool.seats && pool.deaths > 0) {
    reasons.push_back({"crash_loop", "every worker has died, and the next start waits"});
  } else if (limits.crash_loop_deaths > 0 &&
             pool.deaths >= limits.crash_loop_deaths * std::max<std::size_t>(pool.seats, 1)) {
    reasons.push_back({"crash_loop", std::to_string(pool.deaths) + " workers have died within " +
                                         std::to_string(kDeathWindow.count()) +
                                         " s (admin.crash_loop_deaths for each of " +
                                         std::to_string(pool.seats) + ")"});
  }
  if (limits.max_queue_age.count() > 0 && pool.oldest_queued > limits.max_queue_age) {
    const auto age = std::chrono::duration_cast<Milliseconds>(pool.oldest_queued);
    reasons.push_back({"queue", "a request waits for " + std::to_string(age.count()) +
                                    " ms, more than admin.max_queue_age (" +
                                    std::to_string(limits.max_queue_age.count()) + " ms)"});
  }
  return reasons;
}

}  // namespace lambdapool::supervisor
