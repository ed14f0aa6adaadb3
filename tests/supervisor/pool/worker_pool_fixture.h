// A worker pool under test, and what its tests see of it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/pool/worker_pool.h"
#include "tests/supervisor/support/answers.h"
#include "tests/supervisor/support/memory_log.h"
#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor {

// A pool of workers that do as pool/fake_worker.cpp says. After each test all of them must be gone
// and nothing of the pool may be left on the loop.
class WorkerPoolTest : public testing::Test, protected PoolEvents {
 protected:
  WorkerPoolTest() {
    std::string folder = "/tmp/lambdapool-pool-test-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    root_ = folder;
    settings_.program = LAMBDAPOOL_FAKE_WORKER;
    settings_.lambda_root = root_;
    config().restart_backoff = Milliseconds{10};
    config().restart_backoff_max = Milliseconds{20};
  }

  void TearDown() override {
    if (pool_ != nullptr) {
      pool_->kill();
      EXPECT_TRUE(run_until(loop_, [&] { return stopped_ > 0; }));
      // A process that was killed is reaped a little later.
      EXPECT_TRUE(run_until_empty(loop_)) << "something of the pool is left on the loop";
      EXPECT_EQ(stopped_, 1);
      pool_.reset();
    }
    std::filesystem::remove_all(root_);
    if (HasFailure()) std::puts(log_.all().c_str());
  }

  PoolConfig& config() { return settings_.pool; }

  void start(const std::string& behaviour = "behaves") {
    settings_.lambda_name = behaviour;
    pool_ = std::make_unique<WorkerPool>(loop_, log_, settings_, static_cast<PoolEvents&>(*this));
    pool_->start();
  }
  void start_and_await(const std::string& behaviour = "behaves") {
    start(behaviour);
    ASSERT_TRUE(until([&] { return ready_ > 0; }));
    ASSERT_TRUE(until([&] { return log_.count("worker ready") == settings_.pool.workers; }));
  }

  void submit(std::uint64_t connection, std::string_view path = "/",
              std::string_view method = "POST", std::string body = {}) {
    pool_->submit(answers_.request(connection, path, std::move(body), method));
  }
  // Submits it and waits for its answer.
  Answer ask(std::uint64_t connection, std::string_view path = "/") {
    submit(connection, path);
    EXPECT_TRUE(until([&] { return answers_.has(connection); })) << path;
    return answers_.of(connection);
  }
  void abandon(std::uint64_t connection) { pool_->abandon(ConnectionId{connection}); }

  template <class Happened>
  bool until(Happened happened) {
    return run_until(loop_, happened);
  }

  // How many lines of the workers' notes hold `text`.
  int notes(std::string_view text) const {
    std::ifstream file(root_ + "/notes");
    int count = 0;
    for (std::string line; std::getline(file, line);)
      count += line.find(text) != std::string::npos ? 1 : 0;
    return count;
  }
  bool noted(std::string_view text) {
    return until([&] { return notes(text) > 0; });
  }

  // A worker waits for `release` of the same name.
  void make_fifo(const std::string& name) {
    ASSERT_EQ(mkfifo((root_ + "/" + name).c_str(), 0600), 0);
  }
  void release(const std::string& name) {
    int file = -1;
    // Opening succeeds when the worker waits.
    ASSERT_TRUE(until([&] {
      file = open((root_ + "/" + name).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
      return file >= 0;
    }));
    EXPECT_EQ(write(file, "x", 1), 1);
    close(file);
  }

  int ready_ = 0;
  int stopped_ = 0;
  int workers_started_ = 0;
  std::vector<GoneCause> gone_;
  std::vector<std::string> failed_;

  std::string root_;
  uv::Loop loop_;
  MemoryLog log_;
  Answers answers_;
  WorkerSettings settings_;
  std::unique_ptr<WorkerPool> pool_;

 private:
  void on_pool_ready() override { ++ready_; }
  void on_pool_failed(const std::string& text) override { failed_.push_back(text); }
  void on_pool_stopped() override { ++stopped_; }
  void on_pool_worker_started() override { ++workers_started_; }
  void on_pool_loop_blocked() override {}
  void on_pool_loop_unblocked(std::chrono::nanoseconds) override {}
  void on_pool_worker_gone(GoneCause cause) override { gone_.push_back(cause); }
  void on_pool_metric(std::uint32_t, const protocol::Metric&) override {}
};

}  // namespace lambdapool::supervisor
