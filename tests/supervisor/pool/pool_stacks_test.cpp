// What a pool tells of workers that live: their stacks, and loops that are blocked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "supervisor/pool/process_state.h"
#include "tests/supervisor/pool/worker_pool_fixture.h"

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;

class PoolStacksTest : public WorkerPoolTest {
 protected:
  // The stacks of all workers, as they come.
  std::vector<WorkerStacks> take_stacks(Milliseconds limit) {
    std::optional<std::vector<WorkerStacks>> taken;
    pool_->take_stacks(limit, [&](std::vector<WorkerStacks> stacks) {
      EXPECT_FALSE(taken) << "told twice";
      taken = std::move(stacks);
    });
    EXPECT_TRUE(until([&] { return taken.has_value(); }));
    return std::move(taken).value_or(std::vector<WorkerStacks>());
  }

  int blocked_ = 0;
  std::vector<std::chrono::nanoseconds> unblocked_;

 private:
  void on_pool_loop_blocked() override { ++blocked_; }
  void on_pool_loop_unblocked(std::chrono::nanoseconds blocked) override {
    unblocked_.push_back(blocked);
  }
};

TEST_F(PoolStacksTest, EveryWorkerTellsItsStacks) {
  config().workers = 2;
  start_and_await();

  const auto stacks = take_stacks(10s);

  ASSERT_EQ(stacks.size(), 2U);
  for (std::uint32_t i = 0; i < 2; ++i) {
    EXPECT_EQ(stacks[i].worker, i + 1);
    EXPECT_GT(stacks[i].pid, 0);
    EXPECT_EQ(stacks[i].threads, "Thread 0x01 (most recent call first):\n");
    EXPECT_EQ(stacks[i].tasks, "task of worker " + std::to_string(i + 1));
  }
  EXPECT_EQ(ask(1).status, 200);
}

TEST_F(PoolStacksTest, SeveralWhoAskForStacksAtATimeAreAllTold) {
  start_and_await();
  int told = 0;
  for (int i = 0; i < 3; ++i) {
    pool_->take_stacks(10s, [&](const std::vector<WorkerStacks>& stacks) {
      ++told;
      EXPECT_EQ(stacks.at(0).threads, "Thread 0x01 (most recent call first):\n");
      EXPECT_EQ(stacks.at(0).tasks, "task of worker 1");
    });
  }
  EXPECT_TRUE(until([&] { return told == 3; }));
}

TEST_F(PoolStacksTest, AWorkerWhoseLoopIsStuckTellsTheStacksOfItsThreads) {
  start_and_await();
  submit(1, "/blocks");

  const auto stacks = take_stacks(200ms);

  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].threads, "Thread 0x01 (most recent call first):\n");
  EXPECT_NE(stacks[0].tasks.find("does not answer"), std::string::npos) << stacks[0].tasks;
}

TEST_F(PoolStacksTest, AStoppedWorkerTellsNoStacksButThatItIsStopped) {
  start_and_await();
  const int pid = std::stoi(ask(1).body);
  ASSERT_EQ(kill(pid, SIGSTOP), 0);
  ASSERT_TRUE(until([&] { return process_state(pid).value_or(ProcessState()).stopped; }));

  const auto stacks = take_stacks(10s);

  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].pid, pid);
  EXPECT_EQ(stacks[0].threads, "");
  EXPECT_NE(stacks[0].tasks.find("is stopped"), std::string::npos) << stacks[0].tasks;
  ASSERT_EQ(kill(pid, SIGCONT), 0);
  EXPECT_EQ(ask(2).status, 200);
}

TEST_F(PoolStacksTest, AWorkerThatDoesNotListenToTheSignalIsNotKilledByIt) {
  start_and_await("does not hear SIGUSR2");

  const auto stacks = take_stacks(10s);

  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].threads, "");
  EXPECT_EQ(stacks[0].tasks, "task of worker 1");
  EXPECT_EQ(ask(1).status, 200);
  EXPECT_EQ(workers_started_, 1);
}

TEST_F(PoolStacksTest, AWorkerThatEndsMeanwhileIsToldOfOnce) {
  start_and_await("tells no stacks");
  std::vector<WorkerStacks> taken;
  pool_->take_stacks(1h, [&](std::vector<WorkerStacks> stacks) { taken = std::move(stacks); });

  submit(1, "/dies");

  EXPECT_TRUE(until([&] { return !taken.empty(); }));
}

TEST_F(PoolStacksTest, WithoutWorkersThereAreNoStacks) {
  settings_.program = "/nowhere/lambdapool-worker";
  start();
  bool told = false;
  pool_->take_stacks(1h, [&](const std::vector<WorkerStacks>& stacks) { told = stacks.empty(); });
  EXPECT_TRUE(told);
}

TEST_F(PoolStacksTest, AStepThatBlocksTheLoopIsWarnedOfOnceWithItsRequest) {
  // A worker that is slow to take the request, on a busy machine or under a sanitizer, must not
  // look like one whose loop takes nothing: that is a block of its own, of no request.
  settings_.block_warning = 400ms;
  make_fifo("step");
  start_and_await();

  submit(1, "/steps for long");

  EXPECT_TRUE(until([&] { return log_.count("event loop is blocked") > 0; }));
  EXPECT_TRUE(log_.says("event loop is blocked worker=1"));
  EXPECT_TRUE(log_.says("request_id=request-1"));
  // Further looks see the same block.
  const auto end = std::chrono::steady_clock::now() + 2 * settings_.block_warning;
  EXPECT_TRUE(until([&] { return std::chrono::steady_clock::now() > end; }));
  EXPECT_EQ(log_.count("event loop is blocked"), 1U);
  EXPECT_EQ(blocked_, 1);
  EXPECT_TRUE(unblocked_.empty());

  release("step");
  EXPECT_TRUE(until([&] { return answers_.has(1) && !unblocked_.empty(); }));
  EXPECT_EQ(unblocked_.size(), 1U);
  EXPECT_GT(unblocked_.at(0), 400ms);
  EXPECT_EQ(log_.count("event loop goes on"), 1U);
}

TEST_F(PoolStacksTest, ALoopThatTakesNothingIsWarnedOfThoughNoRequestIsStepped) {
  settings_.block_warning = 40ms;
  start_and_await();
  submit(1, "/blocks");
  ASSERT_TRUE(until([&] { return pool_->figures().in_flight == 1; }));

  submit(2);

  EXPECT_TRUE(until([&] { return log_.count("event loop is blocked") > 0; }));
  EXPECT_TRUE(log_.says("request_id=none"));
  EXPECT_TRUE(log_.says("stacks of a worker whose event loop is blocked"));
}

TEST_F(PoolStacksTest, AShortStepIsNotWarnedOf) {
  settings_.block_warning = 1h;
  make_fifo("step");
  start_and_await();
  submit(1, "/steps for long");
  const auto end = std::chrono::steady_clock::now() + 300ms;
  EXPECT_TRUE(until([&] { return std::chrono::steady_clock::now() > end; }));
  release("step");
  EXPECT_TRUE(until([&] { return answers_.has(1); }));
  EXPECT_EQ(blocked_, 0);
}

TEST_F(PoolStacksTest, WithoutABlockWarningNothingIsWarnedOf) {
  settings_.block_warning = 0ms;
  make_fifo("step");
  start_and_await();
  submit(1, "/steps for long");
  const auto end = std::chrono::steady_clock::now() + 300ms;
  EXPECT_TRUE(until([&] { return std::chrono::steady_clock::now() > end; }));
  release("step");
  EXPECT_TRUE(until([&] { return answers_.has(1); }));
  EXPECT_EQ(blocked_, 0);
}

TEST_F(PoolStacksTest, ABlockEndsWithItsWorker) {
  settings_.block_warning = 40ms;
  make_fifo("step");
  start_and_await();
  submit(1, "/steps for long");
  ASSERT_TRUE(until([&] { return blocked_ == 1; }));

  pool_->kill();

  EXPECT_TRUE(until([&] { return stopped_ == 1; }));
  EXPECT_EQ(unblocked_.size(), 1U);
}

}  // namespace
}  // namespace lambdapool::supervisor
