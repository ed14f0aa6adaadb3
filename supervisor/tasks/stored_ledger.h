// A task in the store. What is to be kept is written in one go while the write before it is under
// way; a write that fails is tried again until it succeeds.
#pragma once

#include <deque>
#include <functional>
#include <unordered_map>
#include <variant>

#include "supervisor/log/log.h"
#include "supervisor/tasks/ledger.h"
#include "supervisor/tasks/store.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

class StoredLedger;

// The ledgers that are there, for what comes back from the store.
using LedgerIndex = std::unordered_map<TaskKey, StoredLedger*>;

class StoredLedger final : public Ledger {
 public:
  // The index and the store outlive it. `changed` is called when there is something new to see.
  StoredLedger(uv::Loop& loop, Log& log, Store& store, LedgerIndex& index, TaskKey task,
               TaskProgress progress, std::function<void()> changed);
  ~StoredLedger() override;

  void keep_split(std::vector<std::string> contents) override;
  void keep(Outcome outcome) override;
  void keep_failure(const TaskError& error) override;
  const TaskProgress& progress() const override { return progress_; }
  const std::optional<TaskError>& error() const override { return error_; }
  bool has_next() override;
  SubTask next() override;
  bool is_full() const override;
  bool has_unkept() const override { return writing_ || !unkept_.empty(); }

 private:
  using Split = std::vector<std::string>;
  // What is written in one go: either many outcomes or one of the others.
  using Write = std::variant<Split, std::vector<Outcome>, TaskError>;

  void add(Write write);
  void write();
  void written(Write write, StoreResult<TaskProgress> result);
  void fetch();
  void fetched(StoreResult<std::vector<SubTask>> found);

  Log& log_;
  Store& store_;
  LedgerIndex& index_;
  const TaskKey task_;
  std::function<void()> changed_;
  TaskProgress progress_;
  std::optional<TaskError> error_;
  std::deque<Write> unkept_;
  std::size_t unkept_bytes_ = 0;  // Those that are being written included.
  bool writing_ = false;
  bool failing_ = false;  // Since the last write that succeeded.
  uv::Timer again_;
  std::deque<SubTask> ready_;
  std::uint32_t fetch_from_ = 0;
  bool fetching_ = false;
  bool all_fetched_ = false;
};

}  // namespace lambdapool::supervisor
