#include "supervisor/tasks/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "supervisor/tasks/json_text.h"
#include "supervisor/tasks/memory_ledger.h"
#include "tests/supervisor/support/memory_log.h"
#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor {
namespace {

using testing::HasSubstr;

// Workers that keep what they are given until the test says what becomes of it.
class RunnerTest : public testing::Test, protected TaskWorkers, protected RunnerEvents {
 protected:
  // Nobody is told of what still runs.
  ~RunnerTest() override {
    for (auto& worker : workers_) {
      for (auto& call : worker) supervisor::abandon(std::move(call));
    }
  }

  bool offer(std::size_t most, const std::function<std::unique_ptr<Invocation>()>& make) override {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (workers_[i].size() >= std::min(most, room_)) continue;
      workers_[i].push_back(make());
      workers_[i].back()->dispatched(static_cast<std::uint32_t>(i + 1));
      most_seen_ = std::max(most_seen_, workers_[i].size());
      return true;
    }
    return false;
  }
  void abandon(ConnectionId connection) override {
    for (auto& worker : workers_) {
      for (auto& call : worker) {
        if (call->connection() == connection) {
          supervisor::abandon(std::move(call));
          ++abandoned_;
        }
      }
      std::erase(worker, nullptr);
    }
  }
  void on_run_over(TaskKey, std::unique_ptr<TaskRun> run) override { over_ = std::move(run); }
  void on_runner_settled() override {}

  void add(const std::string& contents) {
    runner_.add(
        1, std::make_unique<TaskRun>(TaskOrder{"7", "", "the id", "{}"},
                                     std::make_unique<MemoryLedger>(std::size_t{1} << 20), 100U));
    ASSERT_TRUE(until([&] { return held() == 1; }));
    answer(0, contents);
  }
  void answer(std::size_t worker, std::string_view body) {
    auto call = take(worker);
    respond(std::move(call), {.status = 200, .headers = {}, .body = body});
  }
  void fail_first(std::size_t worker, FailureKind kind) {
    fail(take(worker), make_failure(kind, "why"));
  }
  // All that run there, as when it dies.
  void crash(std::size_t worker) {
    auto calls = std::exchange(workers_[worker], {});
    for (auto& call : calls) {
      fail(std::move(call), make_failure(FailureKind::kWorkerCrashed, "died"));
    }
  }
  std::unique_ptr<Invocation> take(std::size_t worker) {
    auto call = std::move(workers_[worker].front());
    workers_[worker].erase(workers_[worker].begin());
    return call;
  }
  std::size_t held() const {
    std::size_t count = 0;
    for (const auto& worker : workers_) count += worker.size();
    return count;
  }
  bool is_held(std::string_view content) const {
    return std::ranges::any_of(workers_, [&](const auto& worker) {
      return std::ranges::any_of(worker, [&](const auto& call) {
        return call->body().find(content) != std::string::npos;
      });
    });
  }
  template <class Happened>
  bool until(Happened happened) {
    return run_until(loop_, happened);
  }
  std::string result() {
    return static_cast<const MemoryLedger&>(over_->ledger()).answer(over_->order().task_id);
  }

  uv::Loop loop_;
  MemoryLog log_;
  std::vector<std::vector<std::unique_ptr<Invocation>>> workers_{2};
  std::size_t room_ = 100;
  std::size_t most_seen_ = 0;
  int abandoned_ = 0;
  std::unique_ptr<TaskRun> over_;
  Runner runner_{loop_, log_, static_cast<TaskWorkers&>(*this), 3,
                 static_cast<RunnerEvents&>(*this)};
};

TEST_F(RunnerTest, ResultsAndErrorsAreInOrderWhicheverComesFirst) {
  add(R"([{"n":0},{"n":1},{"n":2}])");
  ASSERT_TRUE(until([&] { return held() == 3; }));
  auto first = take(0);
  answer(0, "[1]");
  fail_first(0, FailureKind::kWorkerTimeout);
  respond(std::move(first), {.status = 200, .headers = {}, .body = "0"});

  ASSERT_TRUE(until([&] { return over_ != nullptr; }));
  EXPECT_EQ(
      result(),
      R"({"task_id":7,"results":[{"sub_task_id":0,"result":0},{"sub_task_id":1,"result":[1]}],)"
      R"("errors":[{"sub_task_id":2,"error_code":42004,"desc":"Lambda exception","detail":"why"}]})");
}

TEST_F(RunnerTest, OnlySoManyPartsAreWithAWorker) {
  add("[{},{},{},{},{},{},{},{}]");
  ASSERT_TRUE(until([&] { return held() == 6; }));

  EXPECT_EQ(most_seen_, 3U);
}

TEST_F(RunnerTest, APartThatNeverRanIsTriedAgain) {
  add(R"([{"n":0}])");
  ASSERT_TRUE(until([&] { return held() == 1; }));
  fail_first(0, FailureKind::kQueueTimeout);
  EXPECT_EQ(held(), 0U);

  ASSERT_TRUE(until([&] { return is_held(R"("n":0)"); }));
  answer(0, "1");
  ASSERT_TRUE(until([&] { return over_ != nullptr; }));
  EXPECT_EQ(over_->progress().failed, 0U);
}

TEST_F(RunnerTest, APartThatKilledItsWorkerAloneIsItsOwnError) {
  add(R"([{"n":0}])");
  ASSERT_TRUE(until([&] { return held() == 1; }));
  crash(0);

  ASSERT_TRUE(until([&] { return over_ != nullptr; }));
  EXPECT_EQ(over_->progress().failed, 1U);
}

TEST_F(RunnerTest, PartsThatDiedTogetherRunAgainEachAlone) {
  add(R"([{"n":0},{"n":1},{"n":2},{"n":3},{"n":4}])");
  ASSERT_TRUE(until([&] { return held() == 5; }));
  crash(0);  // 0, 1 and 2
  // The other worker has two that are in nobody's company any more when the next begins.
  ASSERT_TRUE(until([&] { return workers_[0].size() == 1; }));
  run_turns(loop_, 20);
  EXPECT_EQ(held(), 3U);
  answer(1, "3");
  answer(1, "4");
  ASSERT_TRUE(until([&] { return workers_[1].size() == 1; }));
  run_turns(loop_, 20);
  EXPECT_EQ(held(), 2U);
  EXPECT_TRUE(is_held(R"("n":0)"));
  EXPECT_TRUE(is_held(R"("n":1)"));
  crash(1);
  answer(0, "0");
  ASSERT_TRUE(until([&] { return is_held(R"("n":2)"); }));
  answer(0, "2");

  ASSERT_TRUE(until([&] { return over_ != nullptr; }));
  EXPECT_EQ(over_->progress().done, 4U);
  EXPECT_EQ(over_->progress().failed, 1U);
  EXPECT_THAT(result(), HasSubstr(R"("errors":[{"sub_task_id":1,)"));
}

TEST_F(RunnerTest, ASplitThatFailsFailsTheTask) {
  runner_.add(1, std::make_unique<TaskRun>(TaskOrder{"7", "", "", "{}"},
                                           std::make_unique<MemoryLedger>(1000U), 100U));
  ASSERT_TRUE(until([&] { return held() == 1; }));
  fail_first(0, FailureKind::kBadResponse);

  ASSERT_TRUE(until([&] { return over_ != nullptr; }));
  EXPECT_EQ(over_->progress().state, TaskState::kFailed);
  EXPECT_EQ(over_->failure()->kind, "bad_response");
}

TEST_F(RunnerTest, AnswersThatAreNoJsonAreErrors) {
  add("[{}]");
  ASSERT_TRUE(until([&] { return held() == 1; }));
  answer(0, "{");

  ASSERT_TRUE(until([&] { return over_ != nullptr; }));
  EXPECT_EQ(over_->progress().failed, 1U);
}

std::string long_list(std::string_view element) {
  std::string text = "[";
  while (text.size() <= kLongText) text.append(element).append(",");
  return text.append(element).append("]");
}

TEST_F(RunnerTest, LongAnswersAreReadBesideTheLoopAndKept) {
  const std::string result = long_list("1");
  add("[{\"n\":0},{\"long\":\"" + std::string(kLongText, 'x') + "\"}]");
  EXPECT_EQ(held(), 0U);
  ASSERT_TRUE(until([&] { return held() == 2; }));
  const auto all = [](TaskKey) { return true; };
  answer(0, result);
  EXPECT_FALSE(runner_.is_quiet(all));
  answer(0, long_list("1") + "]");

  ASSERT_TRUE(until([&] { return over_ != nullptr; }));
  EXPECT_THAT(this->result(), HasSubstr("{\"sub_task_id\":0,\"result\":" + result + "}"));
  EXPECT_THAT(this->result(), HasSubstr("the worker's answer is no JSON"));
}

TEST_F(RunnerTest, ATaskThatIsCancelledWhileItsAnswerIsReadIsGone) {
  add(long_list("{}"));

  EXPECT_NE(runner_.cancel(1), nullptr);
  EXPECT_TRUE(run_until_empty(loop_));
  EXPECT_EQ(over_, nullptr);
}

TEST_F(RunnerTest, ACancelledTaskLetsGoOfItsCalls) {
  add("[{},{},{},{},{},{},{},{}]");
  ASSERT_TRUE(until([&] { return held() == 6; }));

  EXPECT_NE(runner_.cancel(1), nullptr);
  EXPECT_EQ(abandoned_, 6);
  run_turns(loop_, 20);
  EXPECT_EQ(held(), 0U);
  EXPECT_EQ(runner_.cancel(1), nullptr);
}

TEST_F(RunnerTest, WhatIsHeldBeginsNothingAndIsQuietWhenItsCallsAreAnswered) {
  room_ = 1;
  add("[{},{},{}]");
  ASSERT_TRUE(until([&] { return held() == 2; }));
  const auto all = [](TaskKey) { return true; };
  runner_.hold(all);
  EXPECT_FALSE(runner_.is_quiet(all));
  answer(0, "1");
  answer(1, "1");
  run_turns(loop_, 20);

  EXPECT_EQ(held(), 0U);
  EXPECT_TRUE(runner_.is_quiet(all));
}

}  // namespace
}  // namespace lambdapool::supervisor
