#include "supervisor/tasks/store.h"

#include <pthread.h>

#include <csignal>
#include <system_error>

#include "supervisor/uv/process_limit.h"

namespace lambdapool::supervisor {
namespace {

// More would make those at its front wait long for their commit.
constexpr std::size_t kMostInTransaction = 256;

}  // namespace

Store::Store(uv::Loop& loop, std::string path, Opened opened)
    : path_(std::move(path)), opened_(std::move(opened)), wake_(loop, [this] { tell(); }) {
  // Signals are for the loop's thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { work(); });
  } catch (const std::system_error& error) {
    opening_ = std::unexpected(StoreError{
        StoreError::Kind::kOther, path_ + ": the thread that writes it cannot be started: " +
                                      error.code().message() + uv::kAllowMoreProcesses});
    open_done_ = true;
    wake_.send();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Store::~Store() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Store::submit(std::unique_ptr<StoreJob> job) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void Store::work() {
  auto database = Database::open(path_);
  {
    const std::lock_guard lock(mutex_);
    if (!database) opening_ = std::unexpected(database.error());
    open_done_ = true;
  }
  if (database) database_ = std::move(*database);
  wake_.send();
  for (;;) {
    std::vector<std::unique_ptr<StoreJob>> jobs;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
      if (waiting_.empty()) break;
      // One that reads, or all that write up to the next that reads.
      do {
        jobs.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      } while (!waiting_.empty() && jobs.front()->writes() && waiting_.front()->writes() &&
               jobs.size() < kMostInTransaction);
    }
    run(jobs);
    {
      const std::lock_guard lock(mutex_);
      for (auto& job : jobs) finished_.push_back(std::move(job));
    }
    wake_.send();
  }
  database_.reset();
}

void Store::run(std::vector<std::unique_ptr<StoreJob>>& jobs) {
  if (database_ == nullptr) {
    for (auto& job : jobs) job->set_result(opening_);
    return;
  }
  if (!jobs.front()->writes()) return jobs.front()->set_result(jobs.front()->run(*database_));
  StoreResult<void> kept = database_->begin();
  for (auto& job : jobs) {
    if (!kept) break;
    kept = job->run(*database_);
  }
  if (kept) kept = database_->commit();
  if (!kept) database_->rollback();
  for (auto& job : jobs) job->set_result(kept);
}

void Store::tell() {
  std::deque<std::unique_ptr<StoreJob>> finished;
  Opened opened;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
    if (open_done_) opened = std::exchange(opened_, nullptr);
  }
  if (opened) opened(opening_);
  for (auto& job : finished) job->finished();
}

}  // namespace lambdapool::supervisor
