// Where the parts of one task come from and where their outcomes go.
//
// What is given to `keep...` counts in `progress` only when it is kept for good. Nothing is ever
// lost by a ledger: what cannot be kept now is kept later.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "supervisor/tasks/task_record.h"

namespace lambdapool::supervisor {

class Ledger {
 public:
  virtual ~Ledger() = default;

  // The task is split into these.
  virtual void keep_split(std::vector<std::string> contents) = 0;
  virtual void keep(Outcome outcome) = 0;
  // The task has failed as a whole.
  virtual void keep_failure(const TaskError& error) = 0;

  virtual const TaskProgress& progress() const = 0;
  // Why the task failed as a whole.
  virtual const std::optional<TaskError>& error() const = 0;
  // Whether a sub-task is at hand that has not been taken; and that one.
  virtual bool has_next() = 0;
  virtual SubTask next() = 0;
  // As much waits to be kept as may: nothing new should be begun.
  virtual bool is_full() const = 0;
  virtual bool has_unkept() const = 0;
};

}  // namespace lambdapool::supervisor
