#include "supervisor/health/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr ReadinessLimits kLimits{.max_queue_age = 2s, .crash_loop_deaths = 5};

PoolHealth healthy() {
  return {
      .ever_ready = true, .seats = 2, .ready = 2, .waiting = 0, .deaths = 0, .oldest_queued = 0ns};
}

std::vector<std::string> reasons(const PoolHealth& pool, bool draining = false,
                                 const ReadinessLimits& limits = kLimits) {
  std::vector<std::string> words;
  for (const NotReady& each : why_not_ready(pool, draining, limits)) words.push_back(each.reason);
  return words;
}

TEST(Readiness, AHealthyPoolIsReady) { EXPECT_THAT(reasons(healthy()), IsEmpty()); }

TEST(Readiness, OneReadyWorkerIsEnough) {
  PoolHealth pool = healthy();
  pool.ready = 1;
  pool.waiting = 1;
  pool.deaths = 1;

  EXPECT_THAT(reasons(pool), IsEmpty());
}

TEST(Readiness, NoPoolYetIsStarting) { EXPECT_THAT(reasons({}), ElementsAre("starting")); }

TEST(Readiness, DrainingIsAReasonWhateverElseIsTrue) {
  EXPECT_THAT(reasons(healthy(), true), ElementsAre("draining"));
  EXPECT_THAT(reasons({}, true), ElementsAre("draining", "starting"));
}

TEST(Readiness, NoneReadyIsAReasonAfterOneHasBeen) {
  PoolHealth pool = healthy();
  pool.ready = 0;

  EXPECT_THAT(reasons(pool), ElementsAre("no_worker"));
}

TEST(Readiness, AllSeatsWaitingIsACrashLoop) {
  PoolHealth pool = healthy();
  pool.ready = 0;
  pool.waiting = 2;
  pool.deaths = 2;

  EXPECT_THAT(reasons(pool), ElementsAre("no_worker", "crash_loop"));
}

TEST(Readiness, DeathsAreACrashLoopFromTheirLimitPerSeatOn) {
  PoolHealth pool = healthy();
  pool.deaths = 9;
  EXPECT_THAT(reasons(pool), IsEmpty());
  pool.deaths = 10;

  EXPECT_THAT(reasons(pool), ElementsAre("crash_loop"));
  EXPECT_THAT(reasons(pool, false, {.max_queue_age = 2s, .crash_loop_deaths = 0}), IsEmpty());
}

TEST(Readiness, AQueueIsTooOldBeyondItsLimit) {
  PoolHealth pool = healthy();
  pool.oldest_queued = 2s;
  EXPECT_THAT(reasons(pool), IsEmpty());
  pool.oldest_queued = 2s + 1ns;

  EXPECT_THAT(reasons(pool), ElementsAre("queue"));
  EXPECT_THAT(reasons(pool, false, {.max_queue_age = 0s, .crash_loop_deaths = 5}), IsEmpty());
}

}  // namespace
}  // namespace lambdapool::supervisor
