#include "supervisor/metrics/user_metrics.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lambdapool::supervisor {
namespace {

using protocol::Fields;
using protocol::Metric;

Metric metric(std::string_view kind, std::vector<double> values, Fields labels = {}) {
  return {.kind = kind,
          .name = "m",
          .help = "what it is",
          .labels = std::move(labels),
          .values = std::move(values)};
}

// The one series of the one metric.
prometheus::ClientMetric only(const UserMetrics& metrics) {
  const auto families = metrics.collect();
  if (families.size() != 1 || families[0].metric.size() != 1) {
    ADD_FAILURE() << families.size() << " families";
    return {};
  }
  return families[0].metric[0];
}

std::string refusal(UserMetrics& metrics, const Metric& what) {
  const auto added = metrics.add(1, what);
  return added ? "" : added.error();
}

TEST(UserMetrics, CountersOfAllWorkersAddUp) {
  UserMetrics metrics;
  EXPECT_TRUE(metrics.add(1, metric("counter", {2})));
  EXPECT_TRUE(metrics.add(2, metric("counter", {0.5})));
  EXPECT_TRUE(metrics.add(1, metric("counter", {0})));

  EXPECT_EQ(only(metrics).counter.value, 2.5);
}

TEST(UserMetrics, AGaugeIsTheSumOfWhatEachWorkerSetLast) {
  UserMetrics metrics;
  EXPECT_TRUE(metrics.add(1, metric("gauge", {5})));
  EXPECT_TRUE(metrics.add(2, metric("gauge", {-1})));
  EXPECT_TRUE(metrics.add(1, metric("gauge", {3})));

  EXPECT_EQ(only(metrics).gauge.value, 2);
}

TEST(UserMetrics, TheLatestActivityOfAllWorkersCounts) {
  UserMetrics metrics;
  Metric activity = metric("gauge", {100});
  activity.name = "last_activity";
  EXPECT_TRUE(metrics.add(1, activity));
  activity.values = {90};
  EXPECT_TRUE(metrics.add(2, activity));

  EXPECT_EQ(only(metrics).gauge.value, 100);
}

TEST(UserMetrics, ASummaryKeepsCountAndSum) {
  UserMetrics metrics;
  EXPECT_TRUE(metrics.add(1, metric("summary", {2, 1.5})));
  EXPECT_TRUE(metrics.add(2, metric("summary", {1, 0.5})));

  EXPECT_EQ(only(metrics).summary.sample_count, 3U);
  EXPECT_EQ(only(metrics).summary.sample_sum, 2.0);
}

TEST(UserMetrics, TheBucketsOfAHistogramAreShownCumulatively) {
  UserMetrics metrics;
  // Three observations, sum 6, bounds 1 and 2; one below 1, none below 2, two above.
  EXPECT_TRUE(metrics.add(1, metric("histogram", {3, 6, 1, 2, 1, 0, 2})));
  EXPECT_TRUE(metrics.add(2, metric("histogram", {1, 1.5, 1, 2, 0, 1, 0})));

  const auto histogram = only(metrics).histogram;
  EXPECT_EQ(histogram.sample_count, 4U);
  EXPECT_EQ(histogram.sample_sum, 7.5);
  ASSERT_EQ(histogram.bucket.size(), 3U);
  EXPECT_EQ(histogram.bucket[0].cumulative_count, 1U);
  EXPECT_EQ(histogram.bucket[1].cumulative_count, 2U);
  EXPECT_EQ(histogram.bucket[2].cumulative_count, 4U);
}

TEST(UserMetrics, SeriesDifferByTheirLabels) {
  UserMetrics metrics;
  EXPECT_TRUE(metrics.add(1, metric("counter", {1}, {{"a", "x"}})));
  EXPECT_TRUE(metrics.add(1, metric("counter", {1}, {{"a", "y"}})));

  EXPECT_EQ(metrics.collect().at(0).metric.size(), 2U);
}

TEST(UserMetrics, WhatDoesNotFitIsRefusedWithItsName) {
  UserMetrics metrics;
  for (const Metric& bad :
       {metric("gadget", {1}), metric("counter", {}), metric("counter", {1, 2}),
        metric("counter", {-1}), metric("gauge", {}), metric("summary", {1}),
        metric("summary", {0.5, 1}), metric("summary", {-1, 1}), metric("histogram", {1, 1}),
        metric("histogram", {1, 1, 1, 1}), metric("histogram", {1, 1, 2, 1, 1, 0, 0}),
        metric("counter", {1}, {{"a-b", "x"}}), metric("counter", {1}, {{"__a", "x"}})}) {
    EXPECT_TRUE(refusal(metrics, bad).starts_with("metric 'm': ")) << bad.kind;
  }
  Metric unnamed = metric("counter", {1});
  unnamed.name = "no name";
  EXPECT_NE(refusal(metrics, unnamed), "");
  EXPECT_TRUE(metrics.collect().empty());
}

TEST(UserMetrics, AMetricDoesNotChangeItsKindOrBuckets) {
  UserMetrics metrics;
  EXPECT_TRUE(metrics.add(1, metric("histogram", {1, 1, 1, 1, 0})));

  EXPECT_NE(refusal(metrics, metric("histogram", {1, 1, 2, 1, 0})), "");
  EXPECT_NE(refusal(metrics, metric("counter", {1})), "");
}

TEST(UserMetrics, TheNumberOfSeriesIsBounded) {
  UserMetrics metrics;
  for (std::size_t i = 0; i < UserMetrics::kMaxSeries; ++i) {
    const std::string value = std::to_string(i);
    ASSERT_EQ(refusal(metrics, metric("counter", {1}, {{"i", value}})), "");
  }

  EXPECT_NE(refusal(metrics, metric("counter", {1}, {{"i", "more"}})), "");
  EXPECT_EQ(refusal(metrics, metric("counter", {1}, {{"i", "0"}})), "") << "a known one goes on";
}

}  // namespace
}  // namespace lambdapool::supervisor
