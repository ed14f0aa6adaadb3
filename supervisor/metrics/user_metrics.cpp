#include "supervisor/metrics/user_metrics.h"

#include <prometheus/check_names.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace lambdapool::supervisor {
namespace {

using prometheus::MetricType;

// Of the values of a summary or histogram: how many observations were added, and their sum.
constexpr std::size_t kCount = 0;
constexpr std::size_t kSum = 1;
constexpr std::size_t kBounds = 2;

// The one gauge whose workers are not added up: it is a time, and the latest one counts.
constexpr std::string_view kLastActivity = "last_activity";

std::optional<MetricType> to_type(std::string_view kind) {
  if (kind == "counter") return MetricType::Counter;
  if (kind == "gauge") return MetricType::Gauge;
  if (kind == "summary") return MetricType::Summary;
  if (kind == "histogram") return MetricType::Histogram;
  return std::nullopt;
}

// The upper bounds in a histogram's values; nothing when their number is not that of a histogram.
std::optional<std::vector<double>> bounds_of(MetricType type, const std::vector<double>& values) {
  const std::size_t wanted = type == MetricType::Summary ? kBounds : 1;
  if (type != MetricType::Histogram) {
    return values.size() == wanted ? std::optional(std::vector<double>{}) : std::nullopt;
  }
  // As many bounds as buckets but the last.
  if (values.size() < kBounds + 1 || (values.size() - kBounds) % 2 != 1) return std::nullopt;
  const auto count = static_cast<std::ptrdiff_t>((values.size() - kBounds) / 2);
  std::vector<double> bounds(values.begin() + kBounds, values.begin() + kBounds + count);
  if (!std::ranges::is_sorted(bounds)) return std::nullopt;
  return bounds;
}

bool is_count(double value) {
  constexpr double kMost = 1e15;
  return value >= 0 && value <= kMost && std::floor(value) == value;
}

std::uint64_t to_count(double value) { return static_cast<std::uint64_t>(value); }

}  // namespace

std::expected<void, std::string> UserMetrics::add(std::uint32_t worker,
                                                  const protocol::Metric& metric) {
  const auto refuse = [&](std::string_view why) {
    return std::unexpected("metric '" + std::string(metric.name) + "': " + std::string(why));
  };
  const auto type = to_type(metric.kind);
  if (!type) return refuse("unknown kind");
  const auto bounds = bounds_of(*type, metric.values);
  if (!bounds) return refuse("its values do not fit its kind");
  if (*type == MetricType::Counter && !(metric.values[0] >= 0)) {
    return refuse("a counter cannot go down");
  }
  std::vector<double> added;
  if (*type == MetricType::Summary || *type == MetricType::Histogram) {
    const auto first = static_cast<std::ptrdiff_t>(kBounds + bounds->size());
    added.assign(metric.values.begin() + first, metric.values.end());
    if (!is_count(metric.values[kCount]) || !std::ranges::all_of(added, is_count)) {
      return refuse("its counts are no whole numbers");
    }
  }
  // Only what is good makes a series.
  const auto series = find(metric, *type, *bounds);
  if (!series) return refuse(series.error());

  Series& to = **series;
  if (*type == MetricType::Counter) {
    to.total += metric.values[0];
  } else if (*type == MetricType::Gauge) {
    to.values[worker] = metric.values[0];
  } else {
    to.count += to_count(metric.values[kCount]);
    to.sum += metric.values[kSum];
    to.buckets.resize(added.size());
    for (std::size_t i = 0; i < added.size(); ++i) to.buckets[i] += to_count(added[i]);
  }
  return {};
}

std::expected<UserMetrics::Series*, std::string> UserMetrics::find(
    const protocol::Metric& metric, MetricType type, const std::vector<double>& bounds) {
  Labels labels;
  for (const protocol::Field& label : metric.labels) {
    if (!prometheus::CheckLabelName(std::string(label.name))) {
      return std::unexpected("'" + std::string(label.name) + "' cannot be the name of a label");
    }
    labels[std::string(label.name)] = label.value;
  }
  if (labels.size() > kMaxLabels) return std::unexpected("too many labels");

  auto family = families_.find(std::string(metric.name));
  const bool known = family != families_.end();
  if (!known && !prometheus::CheckMetricName(std::string(metric.name))) {
    return std::unexpected("this cannot be the name of a metric");
  }
  if (known && (family->second.type != type || family->second.bounds != bounds)) {
    return std::unexpected("it was another kind of metric, or had other buckets, before");
  }
  if (known) {
    const auto found = family->second.series.find(labels);
    if (found != family->second.series.end()) return &found->second;
  }
  if (series_ >= kMaxSeries) {
    return std::unexpected("there are " + std::to_string(kMaxSeries) + " series already");
  }
  if (!known) {
    family =
        families_.emplace(metric.name, Family{type, std::string(metric.help), bounds, {}}).first;
  }
  ++series_;
  return &family->second.series[std::move(labels)];
}

std::vector<prometheus::MetricFamily> UserMetrics::collect() const {
  std::vector<prometheus::MetricFamily> collected;
  for (const auto& [name, family] : families_) {
    prometheus::MetricFamily made{name, family.help, family.type, {}};
    for (const auto& [labels, series] : family.series) {
      prometheus::ClientMetric metric;
      for (const auto& [label, value] : labels) metric.label.push_back({label, value});
      metric.counter.value = series.total;
      for (const auto& [worker, value] : series.values) {
        metric.gauge.value = name == kLastActivity ? std::max(metric.gauge.value, value)
                                                   : metric.gauge.value + value;
      }
      metric.summary.sample_count = metric.histogram.sample_count = series.count;
      metric.summary.sample_sum = metric.histogram.sample_sum = series.sum;
      std::uint64_t cumulative = 0;
      for (std::size_t i = 0; i < series.buckets.size(); ++i) {
        cumulative += series.buckets[i];
        const double bound =
            i < family.bounds.size() ? family.bounds[i] : std::numeric_limits<double>::infinity();
        metric.histogram.bucket.push_back({cumulative, bound});
      }
      made.metric.push_back(std::move(metric));
    }
    collected.push_back(std::move(made));
  }
  return collected;
}

}  // namespace lambdapool::supervisor
