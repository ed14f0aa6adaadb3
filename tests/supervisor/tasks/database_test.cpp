#include "supervisor/tasks/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <limits>

namespace lambdapool::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() {
    std::string folder = "/tmp/lambdapool-tasks-test-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    folder_ = folder;
    open();
  }
  ~DatabaseTest() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return folder_ + "/tasks.sqlite"; }
  void open() {
    database_.reset();
    auto opened = Database::open(path());
    ASSERT_TRUE(opened) << opened.error().text;
    database_ = std::move(*opened);
  }
  TaskKey add(const std::string& task_id = "") {
    return database_->add({task_id, "", "the request", R"({"a":1})"}).value();
  }
  TaskKey split(std::vector<std::string> contents) {
    const TaskKey task = add();
    EXPECT_TRUE(database_->start(task).value());
    EXPECT_TRUE(database_->keep_split(task, contents));
    return task;
  }
  std::vector<std::uint32_t> waiting(TaskKey task, std::uint32_t from = 0,
                                     std::uint32_t count = 100, std::size_t bytes = 1000) {
    std::vector<std::uint32_t> numbers;
    const auto found = database_->waiting(task, from, count, bytes).value();
    for (const SubTask& each : found) numbers.push_back(each.number);
    return numbers;
  }
  TaskProgress keep(TaskKey task, std::vector<Outcome> outcomes) {
    return database_->keep_outcomes(task, outcomes).value();
  }
  TaskState state(TaskKey task) { return database_->find(task).value()->progress.state; }

  std::string folder_;
  std::unique_ptr<Database> database_;
};

TEST_F(DatabaseTest, ATaskIsSeenByItsOwnIdUnlessItHasAnother) {
  const TaskKey own = add();
  const TaskKey given = add("-77");

  EXPECT_EQ(database_->find(own).value()->task_id, std::to_string(own));
  EXPECT_EQ(database_->find(given).value()->task_id, "-77");
  EXPECT_FALSE(database_->find(given + 1).value());
}

TEST_F(DatabaseTest, WhatIsKeptIsThereAfterItIsOpenedAgain) {
  const TaskKey task = split({"{}", "{}", "{}"});
  keep(task, {{1, "[1]"}, {2, TaskError{42004, "desc", "detail"}}});

  open();

  const auto record = database_->find(task).value();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->progress.state, TaskState::kRunning);
  EXPECT_EQ(record->progress.total, 3U);
  EXPECT_EQ(record->progress.done, 1U);
  EXPECT_EQ(record->progress.failed, 1U);
  EXPECT_THAT(waiting(task), ElementsAre(0));
  const auto outcomes = database_->outcomes(task, 0, 10, 1000).value();
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(std::get<std::string>(outcomes[0].value), "[1]");
  EXPECT_EQ(std::get<TaskError>(outcomes[1].value), (TaskError{42004, "desc", "detail"}));
  EXPECT_THAT(database_->unfinished().value(), ElementsAre(task));
}

TEST_F(DatabaseTest, AnOutcomeCountsOnce) {
  const TaskKey task = split({"{}", "{}"});

  keep(task, {{0, "1"}});
  const TaskProgress again = keep(task, {{0, "2"}, {7, "3"}});

  EXPECT_EQ(again.done, 1U);
  const auto outcomes = database_->outcomes(task, 0, 10, 1000).value();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(std::get<std::string>(outcomes[0].value), "1");
}

TEST_F(DatabaseTest, TheLastOutcomeFinishesTheTask) {
  const TaskKey task = split({"{}", "{}"});

  EXPECT_EQ(keep(task, {{1, "1"}}).state, TaskState::kRunning);
  EXPECT_EQ(keep(task, {{0, TaskError{}}}).state, TaskState::kFinished);
  EXPECT_TRUE(database_->find(task).value()->ended);
  EXPECT_THAT(database_->unfinished().value(), IsEmpty());
}

TEST_F(DatabaseTest, ATaskOfNothingIsFinishedWhenItIsSplit) {
  EXPECT_EQ(state(split({})), TaskState::kFinished);
}

TEST_F(DatabaseTest, ATaskThatIsOverStaysSo) {
  const TaskKey task = split({"{}", "{}"});
  EXPECT_TRUE(database_->end(task, TaskState::kCancelled, nullptr));

  const TaskError error{1, "desc", "detail"};
  EXPECT_EQ(database_->end(task, TaskState::kFailed, &error).value().state, TaskState::kCancelled);
  EXPECT_EQ(keep(task, {{0, "1"}, {1, "1"}}).state, TaskState::kCancelled);
  EXPECT_THAT(waiting(task), IsEmpty());
  EXPECT_FALSE(database_->start(task).value());
}

TEST_F(DatabaseTest, SubTasksAreReadInPortions) {
  const TaskKey task = split({"{\"aaaaaaaa\":1}", "{}", "{}", "{}"});

  EXPECT_THAT(waiting(task, 1, 2), ElementsAre(1, 2));
  EXPECT_THAT(waiting(task, 0, 100, 10), ElementsAre(0));
  EXPECT_THAT(waiting(task, 4), IsEmpty());
}

TEST_F(DatabaseTest, OldTasksGoAndUnfinishedOnesStay) {
  const TaskKey unfinished = add();
  const TaskKey first = split({});
  const TaskKey second = split({});

  EXPECT_TRUE(database_->purge({std::numeric_limits<std::int32_t>::max(), 1}));
  EXPECT_FALSE(database_->find(first).value());
  EXPECT_TRUE(database_->find(second).value());
  EXPECT_TRUE(database_->purge({-1000, 100}));
  EXPECT_FALSE(database_->find(second).value());
  EXPECT_TRUE(database_->find(unfinished).value());
  EXPECT_EQ(database_->count().value(), 1);
}

TEST_F(DatabaseTest, WhatIsRolledBackWasNeverThere) {
  ASSERT_TRUE(database_->begin());
  const TaskKey task = add();
  database_->rollback();

  EXPECT_FALSE(database_->find(task).value());
}

TEST_F(DatabaseTest, NobodyElseOpensTheFileMeanwhile) {
  const auto other = Database::open(path());

  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, StoreError::Kind::kInUse);
  EXPECT_THAT(other.error().text, HasSubstr(path() + ": another lambdapool uses this database"));
}

}  // namespace
}  // namespace lambdapool::supervisor
