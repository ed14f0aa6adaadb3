#include "supervisor/tasks/store.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <optional>

#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string folder = "/tmp/lambdapool-store-test-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    folder_ = folder;
    open(folder_ + "/tasks.sqlite");
  }
  ~StoreTest() override {
    store_.reset();
    run_turns(loop_);
    std::filesystem::remove_all(folder_);
  }

  void open(const std::string& path) {
    opened_.reset();
    store_.reset();
    store_ = std::make_unique<Store>(loop_, path,
                                     [this](StoreResult<void> result) { opened_ = result; });
    EXPECT_TRUE(run_until(loop_, [&] { return opened_.has_value(); }));
  }
  template <class Done>
  void add(Done done) {
    store_->write([](Database& database) { return database.add({"", "", "id", "{}"}); }, done);
  }

  std::string folder_;
  uv::Loop loop_;
  std::optional<StoreResult<void>> opened_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, JobsAreToldInTheirOrderOnTheLoop) {
  ASSERT_TRUE(*opened_);
  std::vector<std::int64_t> told;
  for (int i = 0; i < 300; ++i) {
    add([&](StoreResult<TaskKey> task) { told.push_back(task.value()); });
    if (i % 100 == 0) {
      store_->read([](Database& database) { return database.count(); },
                   [&](StoreResult<std::int64_t> count) { told.push_back(-count.value()); });
    }
  }

  ASSERT_TRUE(run_until(loop_, [&] { return told.size() == 303; }));
  // A reading job sees all that was written before it.
  EXPECT_EQ(told[0], 1);
  EXPECT_EQ(told[1], -1);
  EXPECT_EQ(told[101], 101);
  EXPECT_EQ(told[102], -101);
}

TEST_F(StoreTest, JobsOfOneTransactionAreKeptOrFailTogether) {
  // The first job keeps the thread while the others gather.
  std::mutex gate;
  gate.lock();
  store_->read(
      [&](Database&) -> StoreResult<bool> {
        const std::lock_guard lock(gate);
        return true;
      },
      [](StoreResult<bool>) {});
  std::vector<bool> kept;
  add([&](StoreResult<TaskKey> task) { kept.push_back(task.has_value()); });
  store_->write(
      [](Database&) -> StoreResult<bool> {
        return std::unexpected(StoreError{StoreError::Kind::kFull, "full"});
      },
      [&](StoreResult<bool> result) { kept.push_back(result.has_value()); });
  std::int64_t count = -1;
  store_->read([](Database& database) { return database.count(); },
               [&](StoreResult<std::int64_t> found) { count = found.value(); });
  gate.unlock();

  ASSERT_TRUE(run_until(loop_, [&] { return count >= 0; }));
  EXPECT_EQ(kept, (std::vector<bool>{false, false}));
  EXPECT_EQ(count, 0);
}

TEST_F(StoreTest, WhatWaitsAtTheEndIsStillKept) {
  for (int i = 0; i < 50; ++i) add([](StoreResult<TaskKey>) { FAIL() << "told after its end"; });
  open(folder_ + "/tasks.sqlite");

  std::int64_t count = -1;
  store_->read([](Database& database) { return database.count(); },
               [&](StoreResult<std::int64_t> found) { count = found.value(); });
  ASSERT_TRUE(run_until(loop_, [&] { return count >= 0; }));
  EXPECT_EQ(count, 50);
}

TEST_F(StoreTest, WithoutADatabaseEveryJobFails) {
  open(folder_ + "/missing/tasks.sqlite");
  ASSERT_FALSE(*opened_);

  std::optional<StoreResult<TaskKey>> told;
  add([&](StoreResult<TaskKey> task) { told = task; });
  ASSERT_TRUE(run_until(loop_, [&] { return told.has_value(); }));
  EXPECT_EQ(told->error().text, opened_->error().text);
}

}  // namespace
}  // namespace lambdapool::supervisor
