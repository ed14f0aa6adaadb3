// The lambda's own metrics, merged over all workers.
//
// Workers send what changed; this keeps the totals, so that nothing is lost when a worker is
// replaced. Counters, histograms and summaries add up. A gauge is the sum of what each worker set
// last; the successor of a worker takes over its part. Nothing a worker sends is trusted: what does
// not fit is refused with a reason, and the number of series is bounded.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace lambdapool::supervisor {

class UserMetrics {
 public:
  static constexpr std::size_t kMaxSeries = 10'000;
  static constexpr std::size_t kMaxLabels = 32;

  // `worker` is the number of the seat it comes from. Failure: one line for the log.
  std::expected<void, std::string> add(std::uint32_t worker, const protocol::Metric& metric);

  std::vector<prometheus::MetricFamily> collect() const;

 private:
  using Labels = std::map<std::string, std::string>;
  struct Series {
    double total = 0;                        // counter
    std::map<std::uint32_t, double> values;  // gauge, by worker
    std::uint64_t count = 0;                 // summary, histogram
    double sum = 0;
    std::vector<std::uint64_t> buckets;
  };
  struct Family {
    prometheus::MetricType type;
    std::string help;
    std::vector<double> bounds;
    std::map<Labels, Series> series;
  };

  std::expected<Series*, std::string> find(const protocol::Metric& metric,
                                           prometheus::MetricType type,
                                           const std::vector<double>& bounds);

  std::map<std::string, Family> families_;
  std::size_t series_ = 0;
};

}  // namespace lambdapool::supervisor
