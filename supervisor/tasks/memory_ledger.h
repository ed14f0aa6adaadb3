// A task that lives and dies with its request: kept in memory, within a limit.
#pragma once

#include <deque>

#include "supervisor/tasks/ledger.h"

namespace lambdapool::supervisor {

class MemoryLedger final : public Ledger {
 public:
  // All outcomes together may have `max_bytes`; with more the task fails.
  explicit MemoryLedger(std::size_t max_bytes) : max_bytes_(max_bytes) {
    progress_.state = TaskState::kSplitting;
  }

  void keep_split(std::vector<std::string> contents) override;
  void keep(Outcome outcome) override;
  void keep_failure(const TaskError& error) override;
  const TaskProgress& progress() const override { return progress_; }
  const std::optional<TaskError>& error() const override { return error_; }
  bool has_next() override { return !waiting_.empty() && !is_over(progress_.state); }
  SubTask next() override;
  bool is_full() const override { return false; }
  bool has_unkept() const override { return false; }

  // Precondition: the task is finished. Both lists are in order.
  std::string answer(const std::string& task_id) const;

 private:
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  TaskProgress progress_;
  std::optional<TaskError> error_;
  std::deque<SubTask> waiting_;
  std::vector<std::optional<Outcome>> outcomes_;
};

}  // namespace lambdapool::supervisor
