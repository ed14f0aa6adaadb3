// What the supervisor counts, and the text in which Prometheus fetches it. The only door to
// prometheus-cpp, with user_metrics.h.
//
// Requests and errors carry LUNA's names; what is the pool's own begins with "lambdapool_".
// `/metrics` gives both,
// `/lambda_metrics` gives requests, errors and the lambda's own metrics, each with the lambda's id.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <string>
#include <unordered_map>

#include "supervisor/http/connection.h"
#include "supervisor/log/log.h"
#include "supervisor/metrics/user_metrics.h"
#include "supervisor/pool/gone_cause.h"
#include "supervisor/pool/worker_pool.h"

namespace lambdapool::supervisor {

class Metrics {
 public:
  explicit Metrics(std::string lambda_id);

  void answered(const AnswerRecord& record);
  void worker_started() { started_->Increment(); }
  void worker_gone(GoneCause cause);
  // An event loop was found to be blocked; and later, that it goes on, and for how long it was.
  void loop_blocked() { blocked_->Increment(); }
  void loop_unblocked(std::chrono::nanoseconds blocked) {
    blocked_seconds_->Increment(std::chrono::duration<double>(blocked).count());
  }
  UserMetrics& user() { return user_; }

  std::string text(const PoolFigures& pool, const LostLines& lost) const;
  std::string lambda_text() const;

 private:
  std::string lambda_id_;
  // Requests and errors on one, the pool on the other: /lambda_metrics shows only the first.
  prometheus::Registry lambda_registry_;
  prometheus::Registry pool_registry_;
  prometheus::Family<prometheus::Counter>& request_count_;
  prometheus::Family<prometheus::Counter>& error_count_;
  prometheus::Family<prometheus::Histogram>& durations_;
  prometheus::Family<prometheus::Counter>& gone_;
  prometheus::Counter* started_;
  prometheus::Counter* bytes_;
  prometheus::Counter* blocked_;
  prometheus::Counter* blocked_seconds_;
  // What is counted with every request is looked up by METHOD:/route and kept.
  struct Route {
    prometheus::Histogram* duration;
    std::map<std::uint32_t, prometheus::Counter*> by_status;
  };
  std::unordered_map<std::string, Route> routes_;
  UserMetrics user_;
};

}  // namespace lambdapool::supervisor
