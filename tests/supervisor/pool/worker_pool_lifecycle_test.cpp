// What becomes of requests when another one kills their worker, and of workers that have had their
// time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "tests/supervisor/pool/worker_pool_fixture.h"

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class LifecycleTest : public WorkerPoolTest {
 protected:
  void await_answers(std::size_t count) {
    ASSERT_TRUE(until([&] { return answers_.count() == count; })) << log_.all();
  }
};

// Attribution.

TEST_F(LifecycleTest, OnlyTheCulpritGetsTheCrashAndSafeRequestsBesideItRunAgain) {
  start_and_await();
  submit(1, "/hold", "GET");
  submit(2, "/hold", "POST");
  submit(3, "/crashes", "GET");
  ASSERT_TRUE(until([&] { return answers_.has(3) && answers_.has(2); }));
  submit(4, "/release");
  await_answers(4);

  EXPECT_EQ(answers_.of(1).status, 200U);
  EXPECT_EQ(answers_.of(3).body,
            "worker ended by signal 11 (SIGSEGV) at lambda_main.py:20 in boom");
  EXPECT_EQ(answers_.of(2).kind, "worker_crashed");
  EXPECT_THAT(answers_.of(2).body, HasSubstr("another request ended the worker"));
}

TEST_F(LifecycleTest, TheRequestWhoseCodeRanIsTheCulpritOfASilentExit) {
  start_and_await();
  submit(1, "/hold", "GET");
  submit(2, "/steps and exits", "GET");
  ASSERT_TRUE(until([&] { return answers_.has(2); }));
  submit(3, "/release");
  await_answers(3);

  EXPECT_EQ(answers_.of(1).status, 200U);
  EXPECT_EQ(answers_.of(2).kind, "worker_crashed");
}

TEST_F(LifecycleTest, AKillFromOutsideHasNoCulprit) {
  start_and_await();
  submit(1, "/hold");
  submit(2, "/steps and dies");
  await_answers(2);

  for (const std::uint64_t i : {1U, 2U})
    EXPECT_EQ(answers_.of(i).body, "worker ended by signal 9 (SIGKILL)");
}

class WhatIsReplayed : public LifecycleTest,
                       public testing::WithParamInterface<std::tuple<Replay, const char*, bool>> {};

TEST_P(WhatIsReplayed, DependsOnItsMethod) {
  const auto [replay, method, again] = GetParam();
  config().replay = replay;
  start_and_await();
  submit(1, "/hold", method);
  submit(2, "/crashes");
  ASSERT_TRUE(until([&] { return answers_.has(2); }));
  submit(3, "/release");
  await_answers(3);

  EXPECT_EQ(answers_.of(1).status, again ? 200U : 500U);
}

INSTANTIATE_TEST_SUITE_P(Modes, WhatIsReplayed,
                         testing::Values(std::tuple{Replay::kNever, "GET", false},
                                         std::tuple{Replay::kSafe, "GET", true},
                                         std::tuple{Replay::kSafe, "HEAD", true},
                                         std::tuple{Replay::kSafe, "OPTIONS", true},
                                         std::tuple{Replay::kSafe, "PUT", false},
                                         std::tuple{Replay::kSafe, "POST", false},
                                         std::tuple{Replay::kIdempotent, "GET", true},
                                         std::tuple{Replay::kIdempotent, "PUT", true},
                                         std::tuple{Replay::kIdempotent, "DELETE", true},
                                         std::tuple{Replay::kIdempotent, "POST", false},
                                         std::tuple{Replay::kIdempotent, "PATCH", false},
                                         std::tuple{Replay::kAlways, "POST", true}));

TEST_F(LifecycleTest, ARequestIsReplayedOnce) {
  start_and_await();
  submit(1, "/hold", "GET");
  submit(2, "/crashes");
  ASSERT_TRUE(until([&] { return answers_.has(2); }));
  submit(3, "/exits");
  await_answers(3);

  EXPECT_EQ(answers_.of(1).kind, "worker_crashed");
}

TEST_F(LifecycleTest, ACulpritIsNotReplayed) {
  config().replay = Replay::kAlways;
  start_and_await();

  EXPECT_EQ(ask(1, "/crashes").kind, "worker_crashed");
  EXPECT_EQ(gone_.size(), 1U);
}

// Quarantine.

TEST_F(LifecycleTest, ARequestThatHasKilledTooManyWorkersIsRefused) {
  settings_.quarantine.deaths = 2;
  start_and_await();
  for (std::uint64_t i = 1; i <= 2; ++i) EXPECT_EQ(ask(i, "/crashes").kind, "worker_crashed");

  const Answer refused = ask(3, "/crashes");

  EXPECT_EQ(refused.status, 500U);
  EXPECT_EQ(refused.kind, "quarantined");
  EXPECT_THAT(refused.body, HasSubstr("has ended 2 workers"));
  EXPECT_EQ(gone_.size(), 2U);
  ASSERT_EQ(pool_->quarantined().size(), 1U);
  EXPECT_EQ(pool_->quarantined().front().request.target, "/crashes");
  EXPECT_TRUE(pool_->quarantined().front().isolated);
  EXPECT_TRUE(log_.says("quarantined"));
}

TEST_F(LifecycleTest, AnotherRequestIsNot) {
  settings_.quarantine.deaths = 1;
  start_and_await();
  ask(1, "/crashes");

  submit(2, "/crashes", "POST", "another body");
  submit(3, "/crashes", "GET");
  submit(4, "/");
  await_answers(4);

  EXPECT_EQ(answers_.of(2).kind, "worker_crashed");
  EXPECT_NE(answers_.of(3).kind, "quarantined");
  EXPECT_EQ(answers_.of(4).status, 200U);
}

TEST_F(LifecycleTest, AClearedQuarantineRefusesNothing) {
  settings_.quarantine.deaths = 1;
  start_and_await();
  ask(1, "/crashes");

  EXPECT_EQ(pool_->clear_quarantine(), 1U);

  EXPECT_EQ(ask(2, "/crashes").kind, "worker_crashed");
}

TEST_F(LifecycleTest, AKillFromOutsideIsNotCountedAgainstARequest) {
  settings_.quarantine.deaths = 1;
  start_and_await();

  EXPECT_EQ(ask(1, "/steps and dies").kind, "worker_crashed");

  EXPECT_TRUE(pool_->quarantined().empty());
}

// Recycling.

TEST_F(LifecycleTest, AWorkerThatHasHadItsRequestsIsReplacedWithoutLosingOne) {
  config().max_requests = 3;
  start_and_await();
  std::set<std::string> workers;

  // How many it takes depends on how fast new workers start.
  for (std::uint64_t i = 1; workers.size() < 3 && i <= 100'000; ++i) {
    const Answer answer = ask(i);
    ASSERT_EQ(answer.status, 200U);
    workers.insert(answer.body);
  }

  EXPECT_EQ(workers.size(), 3U);
  for (const GoneCause cause : gone_) EXPECT_EQ(cause, GoneCause::kStopped);
}

TEST_F(LifecycleTest, AWorkerThatHasHadItsTimeIsReplacedWhileItHoldsARequest) {
  config().max_lifetime = 10ms;
  start_and_await();
  submit(1, "/hold");

  ASSERT_TRUE(until([&] { return log_.says("had its time"); }));
  EXPECT_FALSE(answers_.has(1));
  EXPECT_TRUE(gone_.empty());
}

TEST_F(LifecycleTest, AWorkerThatHasGrownTooLargeIsReplaced) {
  config().max_rss = 4096;
  start_and_await();

  EXPECT_TRUE(until([&] { return log_.says("had its time"); }));
  EXPECT_EQ(ask(1).status, 200U);
}

TEST_F(LifecycleTest, AReplacementThatDoesNotStartLeavesTheOldWorkerServing) {
  config().max_requests = 1;
  start_and_await("dies at start:2");

  for (std::uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(ask(i).status, 200U);
  EXPECT_TRUE(until([&] { return !gone_.empty(); }));
  EXPECT_EQ(ask(6).passage.worker, 1U);
}

TEST_F(LifecycleTest, AReloadDuringARecyclingTakesPlace) {
  config().max_requests = 1;
  start_and_await();
  ask(1);
  std::optional<std::expected<void, std::string>> result;
  WorkerSettings next = settings_;
  next.generation = 2;

  pool_->reload(next, [&](std::expected<void, std::string> told) { result = std::move(told); });

  ASSERT_TRUE(until([&] { return result.has_value(); }));
  EXPECT_TRUE(result->has_value());
  EXPECT_EQ(ask(2).status, 200U);
}

TEST(Lifespan, IsAtMostATenthShorterThanConfigured) {
  PoolConfig config;
  config.max_requests = 100;
  config.max_lifetime = 1000ms;
  config.max_rss = 1 << 20;

  EXPECT_EQ(make_lifespan(config, 0).requests, 100U);
  EXPECT_EQ(make_lifespan(config, 1).requests, 90U);
  EXPECT_EQ(make_lifespan(config, 1).time, 900ms);
  EXPECT_EQ(make_lifespan(config, 0).resident_bytes, 1U << 20);
  config.max_requests = 1;
  EXPECT_EQ(make_lifespan(config, 1).requests, 1U);
  EXPECT_EQ(make_lifespan(PoolConfig{}, 1).requests, 0U);
  EXPECT_EQ(make_lifespan(PoolConfig{}, 1).time, 0ms);
}

// Spares.

TEST_F(LifecycleTest, ASpareTakesTheSeatOfAWorkerThatDied) {
  config().standby = 1;
  start_and_await();
  ASSERT_TRUE(until([&] { return pool_->figures().spares == 1; }));
  EXPECT_EQ(ask(1).passage.worker, 1U);

  ask(2, "/crashes");

  EXPECT_EQ(ask(3).passage.worker, 2U);
  EXPECT_TRUE(log_.says("a spare worker takes over"));
  EXPECT_TRUE(until([&] { return pool_->figures().spares == 1; }));
  EXPECT_EQ(notes("started"), 3);
}

TEST_F(LifecycleTest, ASpareGetsNoRequests) {
  config().standby = 2;
  start_and_await();
  ASSERT_TRUE(until([&] { return pool_->figures().spares == 2; }));

  for (std::uint64_t i = 1; i <= 5; ++i) submit(i, "/hold");
  submit(6, "/release");
  await_answers(6);

  for (std::uint64_t i = 1; i <= 6; ++i) EXPECT_EQ(answers_.of(i).passage.worker, 1U);
}

TEST_F(LifecycleTest, AReloadReplacesTheSparesToo) {
  config().standby = 1;
  start_and_await();
  ASSERT_TRUE(until([&] { return pool_->figures().spares == 1; }));
  bool done = false;
  WorkerSettings next = settings_;
  next.generation = 2;

  pool_->reload(next, [&](const std::expected<void, std::string>&) { done = true; });

  ASSERT_TRUE(until([&] { return done && gone_.size() == 2 && pool_->figures().spares == 1; }));
  EXPECT_EQ(notes("started"), 4);
}

}  // namespace
}  // namespace lambdapool::supervisor
