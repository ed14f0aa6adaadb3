#include "supervisor/metrics/metrics.h"

#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

namespace lambdapool::supervisor {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

const prometheus::Histogram::BucketBoundaries kDurationBuckets = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
    0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30,    60};

// Routes come from workers; their number is bounded all the same.
constexpr std::size_t kMaxRoutes = 1000;

MetricFamily gauge(std::string name, std::string help, double value) {
  prometheus::ClientMetric metric;
  metric.gauge.value = value;
  return {std::move(name), std::move(help), MetricType::Gauge, {metric}};
}

MetricFamily workers_by_state(const PoolFigures& pool) {
  MetricFamily family{"lambdapool_workers", "Workers by state", MetricType::Gauge, {}};
  for (const auto& [state, count] : pool.workers) {
    prometheus::ClientMetric metric;
    metric.label = {{"state", std::string(to_string(state))}};
    metric.gauge.value = static_cast<double>(count);
    family.metric.push_back(std::move(metric));
  }
  return family;
}

MetricFamily lost_lines(const LostLines& lost) {
  MetricFamily family{"lambdapool_log_lines_lost_total",
                      "Lines of the log that were never written, by reason",
                      MetricType::Counter,
                      {}};
  for (const auto& [reason, count] :
       {std::pair{"too_fast", lost.dropped}, std::pair{"write_failed", lost.unwritten}}) {
    prometheus::ClientMetric metric;
    metric.label = {{"reason", reason}};
    metric.counter.value = static_cast<double>(count);
    family.metric.push_back(std::move(metric));
  }
  return family;
}

void append(std::vector<MetricFamily>& to, std::vector<MetricFamily> more) {
  for (MetricFamily& family : more) to.push_back(std::move(family));
}

std::string serialize(const std::vector<MetricFamily>& families) {
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace

Metrics::Metrics(std::string lambda_id)
    : lambda_id_(std::move(lambda_id)),
      request_count_(prometheus::BuildCounter()
                         .Name("request_count_total")
                         .Help("Counter of requests")
                         .Register(lambda_registry_)),
      error_count_(prometheus::BuildCounter()
                       .Name("errors_count_total")
                       .Help("Counter of failed requests")
                       .Register(lambda_registry_)),
      durations_(prometheus::BuildHistogram()
                     .Name("requests")
                     .Help("Duration of requests in seconds")
                     .Register(lambda_registry_)),
      gone_(prometheus::BuildCounter()
                .Name("lambdapool_worker_ends_total")
                .Help("Workers that came to an end, by reason")
                .Register(pool_registry_)),
      started_(&prometheus::BuildCounter()
                    .Name("lambdapool_worker_starts_total")
                    .Help("Worker processes that were started")
                    .Register(pool_registry_)
                    .Add({})),
      bytes_(&prometheus::BuildCounter()
                  .Name("lambdapool_response_bytes_total")
                  .Help("Bytes of responses")
                  .Register(pool_registry_)
                  .Add({})),
      blocked_(&prometheus::BuildCounter()
                    .Name("lambdapool_worker_loop_blocked_total")
                    .Help("How often a worker's event loop was blocked (worker.block_warning)")
                    .Register(pool_registry_)
                    .Add({})),
      blocked_seconds_(&prometheus::BuildCounter()
                            .Name("lambdapool_worker_loop_blocked_seconds_total")
                            .Help("For how long, counted when it ends")
                            .Register(pool_registry_)
                            .Add({})) {}

void Metrics::answered(const AnswerRecord& record) {
  // A request that matched no route counts as one: what clients make up must not become labels.
  std::string path(record.method.empty() ? "-" : record.method);
  path.append(":").append(record.route.empty() ? "<none>" : record.route);
  auto found = routes_.find(path);
  if (found == routes_.end()) {
    if (routes_.size() >= kMaxRoutes) path = "-:<more>";
    found =
        routes_.try_emplace(path, Route{&durations_.Add({{"path", path}}, kDurationBuckets), {}})
            .first;
  }
  prometheus::Counter*& counter = found->second.by_status[record.status];
  if (counter == nullptr) {
    counter = &request_count_.Add({{"path", path}, {"status_code", std::to_string(record.status)}});
  }
  counter->Increment();
  found->second.duration->Observe(std::chrono::duration<double>(record.took).count());
  bytes_->Increment(static_cast<double>(record.bytes));
  if (record.error_code != 0) {
    error_count_.Add({{"path", path}, {"error_code", std::to_string(record.error_code)}})
        .Increment();
  }
}

void Metrics::worker_gone(GoneCause cause) {
  gone_.Add({{"reason", std::string(to_string(cause))}}).Increment();
}

std::string Metrics::text(const PoolFigures& pool, const LostLines& lost) const {
  std::vector<MetricFamily> families = lambda_registry_.Collect();
  append(families, pool_registry_.Collect());
  families.push_back(workers_by_state(pool));
  families.push_back(gauge("lambdapool_queue_length", "Requests that wait for a worker",
                           static_cast<double>(pool.queued)));
  families.push_back(gauge("lambdapool_queue_age_seconds", "For how long the oldest of them waits",
                           std::chrono::duration<double>(pool.oldest_queued).count()));
  families.push_back(gauge("lambdapool_requests_in_flight", "Requests that workers hold",
                           static_cast<double>(pool.in_flight)));
  families.push_back(lost_lines(lost));
  return serialize(families);
}

std::string Metrics::lambda_text() const {
  std::vector<MetricFamily> families = lambda_registry_.Collect();
  append(families, user_.collect());
  for (MetricFamily& family : families) {
    for (prometheus::ClientMetric& metric : family.metric) {
      metric.label.insert(metric.label.begin(), {"lambda_id", lambda_id_});
    }
  }
  return serialize(families);
}

}  // namespace lambdapool::supervisor
