// The database's thread: it opens the file, then jobs go in from the loop, in order, and come back
// to it when they are done.
//
// Jobs that write and wait together share one transaction: they are all kept or all fail. A job
// is told that it was kept only after the commit. The destructor lets the thread do what waits;
// those jobs are not told any more.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "supervisor/tasks/database.h"
#include "supervisor/uv/async.h"

namespace lambdapool::supervisor {

class StoreJob {
 public:
  explicit StoreJob(bool writes) : writes_(writes) {}
  virtual ~StoreJob() = default;
  StoreJob(const StoreJob&) = delete;
  StoreJob& operator=(const StoreJob&) = delete;

  bool writes() const { return writes_; }
  // On the store's thread. May run again when the transaction that it was in could not be kept.
  virtual StoreResult<void> run(Database& database) = 0;
  // On the loop.
  virtual void finished() = 0;

  void set_result(StoreResult<void> result) { result_ = std::move(result); }

 protected:
  StoreResult<void> result_;

 private:
  bool writes_;
};

// Waits for jobs of one kind: `Work` makes a Value of the database, `Done` is told it.
template <class Value, class Work, class Done>
class ValueJob final : public StoreJob {
 public:
  ValueJob(bool writes, Work work, Done done)
      : StoreJob(writes), work_(std::move(work)), done_(std::move(done)) {}

  StoreResult<void> run(Database& database) override {
    StoreResult<Value> made = work_(database);
    if (!made) return std::unexpected(made.error());
    if constexpr (!std::is_void_v<Value>) value_ = std::move(*made);
    return {};
  }
  void finished() override {
    if (!result_) return done_(StoreResult<Value>(std::unexpected(result_.error())));
    if constexpr (std::is_void_v<Value>) {
      done_(StoreResult<Value>());
    } else {
      done_(StoreResult<Value>(std::move(value_)));
    }
  }

 private:
  Work work_;
  Done done_;
  std::conditional_t<std::is_void_v<Value>, bool, Value> value_{};
};

class Store {
 public:
  // `opened` is told once, before the first job. When the file cannot be opened, all jobs fail.
  using Opened = std::move_only_function<void(StoreResult<void>)>;
  Store(uv::Loop& loop, std::string path, Opened opened);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  void submit(std::unique_ptr<StoreJob> job);

  // `work(Database&)` gives a StoreResult<Value>, `done` takes one.
  template <class Work, class Done>
  void read(Work work, Done done) {
    submit(make_job(false, std::move(work), std::move(done)));
  }
  template <class Work, class Done>
  void write(Work work, Done done) {
    submit(make_job(true, std::move(work), std::move(done)));
  }

 private:
  template <class Work, class Done>
  static std::unique_ptr<StoreJob> make_job(bool writes, Work work, Done done) {
    using Value = typename std::invoke_result_t<Work&, Database&>::value_type;
    return std::make_unique<ValueJob<Value, Work, Done>>(writes, std::move(work), std::move(done));
  }

  void work();
  void run(std::vector<std::unique_ptr<StoreJob>>& jobs);
  void tell();

  const std::string path_;
  std::unique_ptr<Database> database_;  // The thread's.
  Opened opened_;
  uv::Async wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<StoreJob>> waiting_;
  std::deque<std::unique_ptr<StoreJob>> finished_;
  StoreResult<void> opening_;
  bool open_done_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace lambdapool::supervisor
