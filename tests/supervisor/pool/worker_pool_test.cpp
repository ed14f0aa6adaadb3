#include "supervisor/pool/worker_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <set>

#include "tests/supervisor/pool/worker_pool_fixture.h"

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Starts.

TEST_F(WorkerPoolTest, ItIsReadyOnceWhenItsFirstWorkerIs) {
  config().workers = 3;

  start_and_await();

  EXPECT_EQ(ready_, 1);
  EXPECT_EQ(pool_->seats(), 3U);
  EXPECT_TRUE(failed_.empty());
}

TEST_F(WorkerPoolTest, ARequestThatComesBeforeAWorkerIsReadyWaitsForIt) {
  make_fifo("go");
  start("is slow to start");
  submit(1);

  release("go");

  EXPECT_TRUE(until([&] { return answers_.has(1); }));
  EXPECT_EQ(answers_.of(1).status, 200U);
  EXPECT_EQ(answers_.of(1).passage.worker, 1U);
}

TEST_F(WorkerPoolTest, ALambdaThatFailsToStartFailsThePoolInItsOwnWords) {
  start("fails to start");

  EXPECT_TRUE(until([&] { return !failed_.empty(); }));
  EXPECT_EQ(failed_.front(), "no lambda_main.py");
  EXPECT_EQ(ready_, 0);
  EXPECT_TRUE(log_.says("Traceback"));
}

TEST_F(WorkerPoolTest, AWorkerThatDiesAtItsStartFailsThePoolAndSaysHow) {
  start("dies at start");

  EXPECT_TRUE(until([&] { return !failed_.empty(); }));
  EXPECT_EQ(failed_.front(), "worker exited with status 9");
}

TEST_F(WorkerPoolTest, AWorkerThatIsNeverReadyIsKilledAfterItsTime) {
  config().start_timeout = 50ms;
  start("never ready");

  EXPECT_TRUE(until([&] { return !failed_.empty(); }));
  EXPECT_THAT(failed_.front(), HasSubstr("not ready within 50 ms"));
}

TEST_F(WorkerPoolTest, AWorkerOfAnotherVersionIsNotUsed) {
  start("speaks another version");

  EXPECT_TRUE(until([&] { return !failed_.empty(); }));
  EXPECT_EQ(ready_, 0);
  EXPECT_TRUE(log_.says("another version")) << log_.all();
}

TEST_F(WorkerPoolTest, OneFailedStartOfTwoDoesNotFailThePool) {
  config().workers = 2;
  start_and_await("fails to start once");

  EXPECT_TRUE(failed_.empty());
  EXPECT_EQ(notes("started"), 3);
}

TEST_F(WorkerPoolTest, AWorkerThatFailsAgainAndAgainIsStartedLaterEachTimeWhileOthersServe) {
  start_and_await("dies at start:2");

  pool_->scale(2);

  EXPECT_TRUE(until([&] { return log_.count("the next start waits") >= 3; }));
  EXPECT_EQ(ask(1).status, 200U);
  EXPECT_EQ(answers_.of(1).passage.worker, 1U);
  EXPECT_TRUE(failed_.empty());
}

// Dispatch.

TEST_F(WorkerPoolTest, RequestsGoToTheWorkerThatHoldsFewest) {
  config().workers = 3;
  start_and_await();

  for (std::uint64_t i = 1; i <= 6; ++i) submit(i, "/holds");
  pool_->fail_all(make_failure(FailureKind::kInternal, ""));

  std::map<std::uint32_t, int> held;
  for (std::uint64_t i = 1; i <= 6; ++i) ++held[answers_.of(i).passage.worker];
  EXPECT_EQ(held, (std::map<std::uint32_t, int>{{1, 2}, {2, 2}, {3, 2}}));
}

TEST_F(WorkerPoolTest, AWorkerThatHoldsARequestIsPassedOverForAnIdleOne) {
  config().workers = 2;
  start_and_await();
  submit(1, "/holds");

  std::set<std::uint32_t> workers;
  for (std::uint64_t i = 2; i <= 7; ++i) workers.insert(ask(i).passage.worker);

  pool_->fail_all(make_failure(FailureKind::kInternal, ""));
  EXPECT_EQ(workers.size(), 1U);
  EXPECT_FALSE(workers.contains(answers_.of(1).passage.worker));
}

TEST_F(WorkerPoolTest, TheWindowIsNeverExceeded) {
  for (const std::uint32_t window : {1U, 3U}) {
    config().concurrency = window;
    start_and_await();
    const auto before = answers_.count();

    // The fake worker dies of a request beyond its window.
    for (std::uint64_t i = 0; i < 50; ++i) submit(window * 1000 + i);

    EXPECT_TRUE(until([&] { return answers_.count() == before + 50; }));
    for (std::uint64_t i = 0; i < 50; ++i) EXPECT_EQ(answers_.of(window * 1000 + i).status, 200U);
    if (window == 3) break;
    pool_->kill();
    EXPECT_TRUE(until([&] { return stopped_ == 1; }));
    run_turns(loop_);
    pool_.reset();
    stopped_ = ready_ = 0;
    log_ = {};
  }
}

TEST_F(WorkerPoolTest, WaitingRequestsAreAnsweredInTheirOrder) {
  config().concurrency = 1;
  start_and_await();

  for (std::uint64_t i = 1; i <= 5; ++i) submit(i);

  EXPECT_TRUE(until([&] { return answers_.count() == 5; }));
  EXPECT_EQ(answers_.order(), (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
}

TEST_F(WorkerPoolTest, AnswersComeInTheOrderInWhichTheWorkerGivesThem) {
  start_and_await();
  submit(1, "/hold");
  submit(2, "/hold");
  submit(3, "/release");

  EXPECT_TRUE(until([&] { return answers_.count() == 3; }));
  EXPECT_EQ(answers_.order(), (std::vector<std::uint64_t>{3, 1, 2}));
}

TEST_F(WorkerPoolTest, AFailureOfTheLambdaIsPassedOn) {
  start_and_await();

  const Answer answer = ask(1, "/fails");

  EXPECT_EQ(answer.status, 418U);
  EXPECT_EQ(answer.kind, "lambda_exception");
  EXPECT_EQ(answer.body, "its own");
}

TEST_F(WorkerPoolTest, AFullQueueTakesNoMore) {
  config().concurrency = 1;
  config().queue_length = 2;
  start_and_await();
  submit(1, "/holds");
  submit(2);
  submit(3);
  EXPECT_EQ(answers_.count(), 0U);

  submit(4);

  EXPECT_EQ(answers_.of(4).status, 503U);
  EXPECT_EQ(answers_.of(4).kind, "queue_full");
  EXPECT_THAT(answers_.of(4).body, HasSubstr("pool.queue_length"));
  EXPECT_EQ(answers_.count(), 1U);
}

TEST_F(WorkerPoolTest, WithoutAQueueARequestIsTakenOrRefusedAtOnce) {
  config().concurrency = 1;
  config().queue_length = 0;
  start_and_await();

  EXPECT_EQ(ask(1).status, 200U);
  submit(2, "/holds");
  submit(3);
  EXPECT_FALSE(answers_.has(2));
  EXPECT_EQ(answers_.of(3).kind, "queue_full");
}

TEST_F(WorkerPoolTest, ARequestThatWaitsTooLongIsRefusedAndTheOneThatRunsIsNot) {
  config().concurrency = 1;
  config().queue_timeout = 30ms;
  start_and_await();
  submit(1, "/holds");

  const Answer answer = ask(2);

  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(answer.kind, "queue_timeout");
  EXPECT_GE(answer.passage.queued, 30ms);
  EXPECT_EQ(answer.passage.worker, 0U);
  EXPECT_FALSE(answers_.has(1));
}

TEST_F(WorkerPoolTest, WaitingCountsTowardsTheTimeOfARequest) {
  config().concurrency = 1;
  config().request_timeout = 200ms;
  config().queue_timeout = 60s;
  config().cancel_grace = 60s;
  start_and_await("ignores cancel");
  submit(1, "/holds");

  EXPECT_EQ(ask(2).kind, "queue_timeout");
}

TEST_F(WorkerPoolTest, WithoutAReadyWorkerTheRefusalSaysSo) {
  config().queue_timeout = 30ms;
  start("never ready");

  EXPECT_EQ(ask(1).kind, "no_worker");
  EXPECT_EQ(answers_.of(1).status, 503U);
}

TEST_F(WorkerPoolTest, AWaitingRequestWhoseClientLeavesIsForgotten) {
  config().concurrency = 1;
  start_and_await();
  submit(1, "/hold");
  submit(2);

  abandon(2);
  abandon(1);

  EXPECT_EQ(ask(3).status, 200U);
  EXPECT_EQ(answers_.count(), 1U);
}

TEST_F(WorkerPoolTest, ARunningRequestWhoseClientLeavesIsCancelledAndFreesItsSlot) {
  config().concurrency = 1;
  start_and_await();
  submit(1, "/hold");
  submit(2);

  abandon(1);

  EXPECT_TRUE(until([&] { return answers_.has(2); }));
  EXPECT_FALSE(answers_.has(1));
  EXPECT_EQ(notes("cancelled disconnect"), 1);
}

// Deaths.

TEST_F(WorkerPoolTest, ARequestThatHasBegunFailsWithItsWorker) {
  start_and_await();
  submit(1, "/hold");

  const Answer answer = ask(2, "/dies");

  EXPECT_EQ(answer.status, 500U);
  EXPECT_EQ(answer.kind, "worker_crashed");
  EXPECT_EQ(answer.body, "worker ended by signal 9 (SIGKILL)");
  EXPECT_EQ(answers_.of(1).kind, "worker_crashed");
  EXPECT_EQ(answers_.count(), 2U);
}

TEST_F(WorkerPoolTest, AnExitWithStatusZeroIsADeathLikeAnyOther) {
  start_and_await();

  EXPECT_EQ(ask(1, "/exits").body, "worker exited with status 0");
  EXPECT_EQ(answers_.of(1).kind, "worker_crashed");
}

TEST_F(WorkerPoolTest, ACrashIsToldWithItsPlaceAndLogged) {
  start_and_await();

  EXPECT_EQ(ask(1, "/crashes").body,
            "worker ended by signal 11 (SIGSEGV) at lambda_main.py:20 in boom");
  EXPECT_TRUE(log_.says("line 20 in boom"));
}

TEST_F(WorkerPoolTest, RequestsThatHaveNotBegunGoToAnotherWorker) {
  start_and_await();
  submit(1, "/dies");
  submit(2);
  submit(3);

  EXPECT_TRUE(until([&] { return answers_.count() == 3; }));
  EXPECT_EQ(answers_.of(1).kind, "worker_crashed");
  EXPECT_EQ(answers_.of(2).status, 200U);
  EXPECT_EQ(answers_.of(3).status, 200U);
  EXPECT_EQ(answers_.order(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(WorkerPoolTest, ARequestThatHasNotBegunIsSentASecondTime) {
  start_and_await();

  EXPECT_EQ(ask(1, "/dies once before begin").status, 200U);
  EXPECT_EQ(answers_.count(), 1U);
}

TEST_F(WorkerPoolTest, ARequestIsNotSentAThirdTime) {
  start_and_await();

  EXPECT_EQ(ask(1, "/dies before begin").kind, "worker_crashed");
  EXPECT_TRUE(until([&] { return notes("started") == 3; }));
  EXPECT_EQ(ask(2).status, 200U);
  EXPECT_EQ(answers_.count(1), 1U);
}

TEST_F(WorkerPoolTest, WhatComesBackFitsIntoAFullQueue) {
  config().concurrency = 2;
  config().queue_length = 1;
  start_and_await();
  submit(1, "/dies");
  submit(2);
  submit(3);

  EXPECT_TRUE(until([&] { return answers_.count() == 3; }));
  EXPECT_EQ(answers_.of(2).status, 200U);
  EXPECT_EQ(answers_.of(3).status, 200U);
}

TEST_F(WorkerPoolTest, AnAnswerThatWasWholeBeforeTheDeathIsAnAnswer) {
  start_and_await();

  EXPECT_EQ(ask(1, "/answers and dies").status, 200U);
  EXPECT_EQ(answers_.of(1).body, "last words");
}

TEST_F(WorkerPoolTest, HalfAnAnswerIsNone) {
  start_and_await();

  EXPECT_EQ(ask(1, "/half an answer").kind, "worker_crashed");
}

TEST_F(WorkerPoolTest, ADeadWorkerIsReplacedAtOnce) {
  config().restart_backoff = 60s;
  config().restart_backoff_max = 60s;
  start_and_await();
  for (std::uint64_t i = 1; i <= 4; ++i) {
    EXPECT_EQ(ask(i, "/dies").kind, "worker_crashed");
    EXPECT_EQ(ask(100 + i).status, 200U);
  }

  EXPECT_EQ(notes("started"), 5);
}

TEST_F(WorkerPoolTest, AChildThatHoldsTheChannelDoesNotKeepADeadWorkerFromBeingReplaced) {
  start_and_await();

  EXPECT_EQ(ask(1, "/leaves a child").kind, "worker_crashed");
  EXPECT_EQ(ask(2).status, 200U);
}

TEST_F(WorkerPoolTest, EveryStartAndEveryEndIsToldWithItsCause) {
  start_and_await();
  ask(1, "/dies");
  ask(2, "/garbage");
  ask(3);

  EXPECT_EQ(workers_started_, 3);
  EXPECT_EQ(gone_, (std::vector{GoneCause::kCrashed, GoneCause::kProtocol}));
}

TEST_F(WorkerPoolTest, AStreamIsPassedOnPieceByPiece) {
  start_and_await();
  submit(1, "/streams");

  EXPECT_TRUE(until([&] { return answers_.of(1).kind == "whole stream"; }));
  EXPECT_EQ(answers_.of(1).status, 200U);
  EXPECT_EQ(answers_.of(1).body, "one two");
}

TEST_F(WorkerPoolTest, AStreamThatFailsOrLosesItsWorkerIsCut) {
  start_and_await();
  submit(1, "/cuts its stream");
  EXPECT_TRUE(until([&] { return answers_.of(1).kind == "cut stream"; }));

  submit(2, "/dies in its stream");

  EXPECT_TRUE(until([&] { return answers_.of(2).kind == "cut stream"; }));
  EXPECT_EQ(answers_.of(2).body, "one ");
  EXPECT_EQ(answers_.count(), 2U);
}

// Breaches of the protocol.

class ABreachOfTheProtocol : public WorkerPoolTest,
                             public testing::WithParamInterface<const char*> {};

TEST_P(ABreachOfTheProtocol, CostsTheWorkerItsLifeAndTheNextOneServes) {
  start_and_await();

  const Answer answer = ask(1, GetParam());

  EXPECT_EQ(answer.status, 500U);
  EXPECT_EQ(answer.kind, "worker_crashed");
  EXPECT_EQ(answer.body, "worker was killed because it broke the protocol");
  EXPECT_EQ(ask(2).status, 200U);
  EXPECT_EQ(answers_.count(), 2U);
  EXPECT_EQ(log_.count("broke the protocol and is killed"), 1U);
}

INSTANTIATE_TEST_SUITE_P(Pool, ABreachOfTheProtocol,
                         testing::Values("/garbage", "/too long", "/wrong id",
                                         "/memory, a byte too far", "/memory far away",
                                         "/memory, too much of it"));

TEST_F(WorkerPoolTest, ABodyInMemoryIsTheAnswersAndItsPlaceIsFreeAgain) {
  start_and_await();

  EXPECT_EQ(ask(1, "/memory").body, "bytes in memory");
  EXPECT_TRUE(noted("free 8192"));
  EXPECT_TRUE(noted("idle"));
}

TEST_F(WorkerPoolTest, ABodyMayReachToTheEndOfTheMemory) {
  start_and_await();

  EXPECT_EQ(ask(1, "/memory up to the end").body, std::string(15, '\0'));
}

TEST_F(WorkerPoolTest, ABodyInMemoryThatWasWholeBeforeTheDeathIsAnAnswer) {
  start_and_await();

  EXPECT_EQ(ask(1, "/memory and death").body, "bytes in memory");
  EXPECT_EQ(ask(2).status, 200U);
}

TEST_F(WorkerPoolTest, AWorkerThatTakesItsMemoryAwayHarmsItsOwnAnswerOnly) {
  start_and_await();

  EXPECT_EQ(ask(1, "/memory that is taken away").body, std::string(15, '\0'));
  EXPECT_EQ(ask(2).status, 200U);
}

TEST_F(WorkerPoolTest, ASecondAnswerIsABreachAndTheFirstOneCounts) {
  start_and_await();

  EXPECT_EQ(ask(1, "/two answers").body, "first");
  EXPECT_TRUE(until([&] { return log_.count("worker ready") == 2; }));
  EXPECT_EQ(answers_.count(), 1U);
  EXPECT_TRUE(log_.says("broke the protocol"));
  EXPECT_EQ(ask(2).status, 200U);
}

TEST_F(WorkerPoolTest, ASecondReadyIsABreach) {
  start("is ready twice");

  EXPECT_TRUE(until([&] { return log_.says("ready came twice"); }));
}

TEST_F(WorkerPoolTest, AWorkerThatClosesItsChannelIsKilled) {
  start_and_await();

  EXPECT_EQ(ask(1, "/closes channel").kind, "worker_crashed");
  EXPECT_EQ(ask(2).status, 200U);
  EXPECT_TRUE(log_.says("closed its channel"));
}

// Time limits.

TEST_F(WorkerPoolTest, ARequestOverItsTimeIsAnsweredAndCancelledAndItsWorkerLives) {
  config().request_timeout = 50ms;
  config().cancel_grace = 60s;
  start_and_await();

  const Answer answer = ask(1, "/hold");

  EXPECT_EQ(answer.status, 504U);
  EXPECT_EQ(answer.kind, "worker_timeout");
  EXPECT_TRUE(noted("cancelled timeout"));
  EXPECT_TRUE(until([&] { return log_.says("stacks of a worker"); }));
  config().request_timeout = 60s;
  EXPECT_EQ(notes("started"), 1);
  EXPECT_EQ(answers_.count(), 1U);
}

TEST_F(WorkerPoolTest, AWorkerWhoseLoopIsBlockedIsEndedAndWhatItHadNotBegunGoesOn) {
  config().request_timeout = 1s;
  config().cancel_grace = 50ms;
  start_and_await();
  submit(1, "/blocks");
  // Lets the worker begin the first before the second is sent, so that their deadlines differ.
  EXPECT_TRUE(until([&] { return log_.says("over its time limit"); }));
  submit(2);

  EXPECT_TRUE(until([&] { return answers_.count() == 2; }));
  EXPECT_EQ(answers_.of(1).kind, "worker_timeout");
  EXPECT_EQ(answers_.of(2).status, 200U);
  EXPECT_TRUE(log_.says("event loop is blocked"));
  EXPECT_EQ(answers_.count(1), 1U);
}

TEST_F(WorkerPoolTest, ABlockedWorkerThatIgnoresSigabrtIsKilled) {
  config().request_timeout = 100ms;
  config().cancel_grace = 50ms;
  start_and_await();

  EXPECT_EQ(ask(1, "/blocks for good").kind, "worker_timeout");

  EXPECT_TRUE(until([&] { return log_.count("worker ready") == 2; }));
}

TEST_F(WorkerPoolTest, AWorkerWhoseRequestIgnoresItsCancellationIsReplaced) {
  config().request_timeout = 100ms;
  config().cancel_grace = 50ms;
  start_and_await("ignores cancel");

  EXPECT_EQ(ask(1, "/holds").kind, "worker_timeout");

  EXPECT_TRUE(until([&] { return log_.says("ignores its cancellation"); }));
  EXPECT_TRUE(until([&] { return log_.count("worker ready") == 2; }));
  EXPECT_TRUE(noted("shutdown"));
  EXPECT_EQ(ask(2).status, 200U);
}

// Scaling.

TEST_F(WorkerPoolTest, ScalingUpStartsWorkers) {
  start_and_await();

  pool_->scale(3);

  EXPECT_EQ(pool_->seats(), 3U);
  EXPECT_TRUE(until([&] { return log_.count("worker ready") == 3; }));
  EXPECT_EQ(ready_, 1);
}

TEST_F(WorkerPoolTest, ScalingDownShutsIdleWorkersDown) {
  config().workers = 3;
  start_and_await();

  pool_->scale(1);

  EXPECT_EQ(pool_->seats(), 1U);
  EXPECT_TRUE(until([&] { return log_.count("worker stopped") == 2; }));
  EXPECT_EQ(notes("shutdown 1"), 0);
  EXPECT_EQ(notes("started"), 3);
  EXPECT_EQ(ask(1).passage.worker, 1U);
}

TEST_F(WorkerPoolTest, AWorkerThatIsScaledAwayFinishesWhatItHas) {
  config().workers = 2;
  start_and_await();
  submit(1, "/hold");
  submit(2, "/hold");

  pool_->scale(1);
  for (std::uint64_t i = 3; i <= 5; ++i) EXPECT_EQ(ask(i).passage.worker, 1U);
  EXPECT_EQ(notes("shutdown"), 0);
  abandon(1);
  abandon(2);

  EXPECT_TRUE(noted("shutdown 2"));
  EXPECT_EQ(notes("shutdown 1"), 0);
}

TEST_F(WorkerPoolTest, AWorkerThatIsScaledAwayWhileItStartsIsNotWaitedFor) {
  start_and_await("never ready:2");
  pool_->scale(2);
  EXPECT_TRUE(noted("started 2"));

  pool_->scale(1);

  EXPECT_TRUE(until([&] { return log_.says("worker stopped"); }));
  EXPECT_TRUE(failed_.empty());
}

TEST_F(WorkerPoolTest, AWorkerThatDiesAfterItWasScaledAwayIsNotReplaced) {
  config().workers = 2;
  start_and_await();
  submit(1, "/hold");
  submit(2, "/hold");
  pool_->scale(1);
  ASSERT_EQ(notes("started"), 2);

  abandon(1);
  abandon(2);

  EXPECT_TRUE(until([&] { return log_.says("worker stopped"); }));
  EXPECT_EQ(ask(3).status, 200U);
  EXPECT_EQ(notes("started"), 2);
}

// The end.

TEST_F(WorkerPoolTest, StoppingShutsEveryWorkerDown) {
  config().workers = 2;
  start_and_await();

  pool_->stop();

  EXPECT_TRUE(until([&] { return stopped_ == 1; }));
  EXPECT_EQ(notes("shutdown 1"), 1);
  EXPECT_EQ(notes("shutdown 2"), 1);
}

TEST_F(WorkerPoolTest, StoppingWaitsForOnShutdown) {
  make_fifo("stop");
  start_and_await("is slow to stop");

  pool_->stop();
  EXPECT_TRUE(noted("shutdown"));
  run_turns(loop_, 20);
  EXPECT_EQ(stopped_, 0);
  release("stop");

  EXPECT_TRUE(until([&] { return stopped_ == 1; }));
  EXPECT_FALSE(log_.says("took too long"));
}

TEST_F(WorkerPoolTest, AnOnShutdownThatTakesTooLongIsEnded) {
  config().shutdown_timeout = 50ms;
  start_and_await("ignores shutdown");

  pool_->stop();

  EXPECT_TRUE(until([&] { return stopped_ == 1; }));
  EXPECT_TRUE(log_.says("onShutdown took too long"));
}

TEST_F(WorkerPoolTest, StoppingAnswersWhatRunsAndWhatWaits) {
  config().concurrency = 1;
  start_and_await();
  submit(1, "/hold");
  submit(2);

  pool_->stop();

  EXPECT_EQ(answers_.of(1).kind, "draining");
  EXPECT_EQ(answers_.of(2).kind, "draining");
}

TEST_F(WorkerPoolTest, AfterStopNothingIsTaken) {
  start_and_await();
  pool_->stop();

  submit(1);

  EXPECT_EQ(answers_.of(1).kind, "draining");
}

TEST_F(WorkerPoolTest, StoppingWhileWorkersStartEndsThem) {
  config().workers = 2;
  start("never ready");

  pool_->stop();

  EXPECT_TRUE(until([&] { return stopped_ == 1; }));
  EXPECT_TRUE(failed_.empty());
}

TEST_F(WorkerPoolTest, StoppingWhileAStartWaitsStartsNothing) {
  config().restart_backoff = 60s;
  config().restart_backoff_max = 60s;
  start_and_await("dies at start:2");
  pool_->scale(2);
  EXPECT_TRUE(until([&] { return log_.says("the next start waits"); }));

  pool_->stop();

  EXPECT_TRUE(until([&] { return stopped_ == 1; }));
}

TEST_F(WorkerPoolTest, KillingDoesNotWaitForOnShutdown) {
  config().shutdown_timeout = 60s;
  start_and_await("ignores shutdown");
  submit(1, "/hold");
  pool_->stop();

  pool_->kill();

  EXPECT_TRUE(until([&] { return stopped_ == 1; }));
  EXPECT_EQ(answers_.count(), 1U);
}

TEST_F(WorkerPoolTest, AfterStopScalingDoesNothing) {
  start_and_await();
  pool_->stop();

  pool_->scale(5);

  EXPECT_EQ(pool_->seats(), 1U);
}

// What workers say.

TEST_F(WorkerPoolTest, WhatALambdaPrintsIsLogged) {
  start_and_await();

  EXPECT_EQ(ask(1, "/prints").status, 200U);

  EXPECT_TRUE(until([&] { return log_.says("printed by the lambda"); }));
  EXPECT_TRUE(log_.says("stdout worker=1"));
}

TEST_F(WorkerPoolTest, WhatALambdaLogsIsLoggedWithItsRequest) {
  start_and_await();

  ask(1, "/logs");

  EXPECT_TRUE(log_.says("logged by the lambda worker=1 request_id=r"));
}

TEST_F(WorkerPoolTest, TheSameWorkerFailingTwiceDoesNotFailThePoolWhileTheOtherStillStarts) {
  config().workers = 2;
  config().start_timeout = 60s;
  make_fifo("go");
  start("fails to start:1, is slow to start:2");
  EXPECT_TRUE(until([&] { return notes("started 1") >= 3 || !failed_.empty(); }));
  EXPECT_TRUE(failed_.empty()) << failed_.front();
  release("go");
  EXPECT_TRUE(until([&] { return ready_ > 0; }));
}

TEST_F(WorkerPoolTest, AProgramThatCannotBeStartedFailsThePool) {
  settings_.program = "/nowhere/lambdapool-worker";
  start();
  EXPECT_TRUE(run_until(loop_, [&] { return !failed_.empty(); }, 2s));
}

}  // namespace
}  // namespace lambdapool::supervisor
