// One task that is being run: first it is split, then its sub-tasks run, each as a call of its own.
#pragma once

#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/tasks/ledger.h"
#include "supervisor/tasks/order.h"

namespace lambdapool::supervisor {

// What a worker is asked to do: to split the task, or to run a sub-task.
struct TaskPart {
  bool is_split = false;
  SubTask sub_task = {};
};

// The answer to a part, read: a value of JSON, or the contents of the sub-tasks when it was a
// split; or why it is neither.
struct PartAnswer {
  std::string value = {};
  std::vector<std::string> contents = {};
  std::string fault = {};
};
PartAnswer read_answer(bool is_split, std::string_view answer, std::uint32_t max_sub_tasks);

class TaskRun {
 public:
  // `order.content` is needed only while the task is not split.
  TaskRun(TaskOrder order, std::unique_ptr<Ledger> ledger, std::uint32_t max_sub_tasks);

  const TaskOrder& order() const { return order_; }
  std::uint32_t max_sub_tasks() const { return max_sub_tasks_; }
  Ledger& ledger() { return *ledger_; }
  const TaskProgress& progress() const { return ledger_->progress(); }
  bool is_over() const { return supervisor::is_over(progress().state); }
  // The failure of the split as its worker told it.
  const std::optional<Failure>& failure() const { return failure_; }

  // The body of the call that a worker gets for the part.
  std::string body_of(const TaskPart& part) const;

  // Whether a part could be run now; and that part. Those that must run alone come from `suspects`.
  bool has_part();
  TaskPart next_part();
  bool has_suspect() const { return !suspects_.empty(); }
  TaskPart next_suspect();

  // What became of a part. The answer is a worker's: it is believed nothing.
  void answered(const TaskPart& part, PartAnswer answer);
  void failed(const TaskPart& part, const Failure& failure);
  // It did not run: it will be tried again.
  void put_back(TaskPart part) { again_.push_front(std::move(part)); }
  // Its worker died while others ran there: it will be tried again, alone.
  void suspect(TaskPart part) { suspects_.push_back(std::move(part)); }

 private:
  void fail_split(const Failure& failure);

  TaskOrder order_;
  std::unique_ptr<Ledger> ledger_;
  const std::uint32_t max_sub_tasks_;
  bool split_taken_ = false;
  std::deque<TaskPart> again_;
  std::deque<TaskPart> suspects_;
  std::optional<Failure> failure_;
};

}  // namespace lambdapool::supervisor
