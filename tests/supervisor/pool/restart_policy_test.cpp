#include "supervisor/pool/restart_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;

void expect_about(std::chrono::milliseconds delay, std::chrono::milliseconds plain) {
  EXPECT_GE(delay, plain * 4 / 5 - 1ms);
  EXPECT_LE(delay, plain * 6 / 5);
}

TEST(RestartPolicy, TheFirstDeathIsFollowedByAStartAtOnce) {
  EXPECT_EQ(RestartPolicy(100ms, 5s, 1).delay_after_death(), 0ms);
}

TEST(RestartPolicy, DeathsInARowWaitTwiceAsLongEachTimeUpToTheLongest) {
  for (std::uint32_t seed = 1; seed < 50; ++seed) {
    RestartPolicy policy(100ms, 5s, seed);
    policy.delay_after_death();
    for (const auto plain : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms, 5000ms}) {
      expect_about(policy.delay_after_death(), plain);
    }
  }
}

TEST(RestartPolicy, ALongRowOfDeathsStaysAtTheLongest) {
  RestartPolicy policy(100ms, 5s, 1);
  for (int i = 0; i < 1000; ++i) policy.delay_after_death();

  expect_about(policy.delay_after_death(), 5s);
}

TEST(RestartPolicy, ALongestBelowTheFirstIsKept) {
  RestartPolicy policy(100ms, 50ms, 1);
  policy.delay_after_death();

  expect_about(policy.delay_after_death(), 50ms);
}

TEST(RestartPolicy, TheJitterSpreadsToBothSides) {
  std::set<std::int64_t> delays;
  for (std::uint32_t seed = 1; seed < 500; ++seed) {
    RestartPolicy policy(1000ms, 5s, seed * 7919);
    policy.delay_after_death();
    delays.insert(policy.delay_after_death().count());
  }

  EXPECT_GE(*delays.begin(), 800);
  EXPECT_LE(*delays.begin(), 850);
  EXPECT_GE(*delays.rbegin(), 1150);
  EXPECT_LE(*delays.rbegin(), 1200);
}

TEST(RestartPolicy, AWorkerThatProvedItselfEndsTheRow) {
  RestartPolicy policy(100ms, 5s, 1);
  for (int i = 0; i < 5; ++i) policy.delay_after_death();
  EXPECT_EQ(policy.failures_in_a_row(), 5U);

  policy.worker_proved_itself();

  EXPECT_EQ(policy.failures_in_a_row(), 0U);
  EXPECT_EQ(policy.delay_after_death(), 0ms);
  expect_about(policy.delay_after_death(), 100ms);
}

}  // namespace
}  // namespace lambdapool::supervisor
