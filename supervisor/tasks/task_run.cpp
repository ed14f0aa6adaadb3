#include "supervisor/tasks/task_run.h"

#include "supervisor/tasks/json_text.h"

namespace lambdapool::supervisor {
namespace {

Failure bad_answer(const std::string& what) {
  return make_failure(FailureKind::kBadResponse, what);
}

TaskPart take_first(std::deque<TaskPart>& parts) {
  TaskPart part = std::move(parts.front());
  parts.pop_front();
  return part;
}

}  // namespace

PartAnswer read_answer(bool is_split, std::string_view answer, std::uint32_t max_sub_tasks) {
  const auto value = parse_json(answer);
  if (!is_split) {
    if (!value) return {.fault = "the worker's answer is no JSON"};
    return {.value = std::string(value->text)};
  }
  if (!value || value->kind != JsonKind::kArray) {
    return {.fault = "the worker's answer is no list of sub-tasks"};
  }
  PartAnswer read;
  std::size_t count = 0;
  for_each_element(*value, [&](const JsonValue& content) {
    if (++count <= max_sub_tasks) read.contents.emplace_back(content.text);
  });
  if (count > max_sub_tasks) {
    return {.fault = "LambdaTask.splitTasksContent returned " + std::to_string(count) +
                     " sub-tasks; at most " + std::to_string(max_sub_tasks) +
                     " are possible (tasks.max_subtasks)"};
  }
  return read;
}

TaskRun::TaskRun(TaskOrder order, std::unique_ptr<Ledger> ledger, std::uint32_t max_sub_tasks)
    : order_(std::move(order)),
      ledger_(std::move(ledger)),
      max_sub_tasks_(max_sub_tasks),
      split_taken_(progress().total.has_value()) {}

std::string TaskRun::body_of(const TaskPart& part) const {
  std::string body = "{\"task_id\":" + order_.task_id + ",\"account_id\":";
  if (order_.account_id.empty()) {
    body += "null";
  } else {
    append_json_string(body, order_.account_id);
  }
  if (!part.is_split) {
    body.append(",\"sub_task_id\":").append(std::to_string(part.sub_task.number));
  }
  body.append(",\"content\":");
  return body.append(part.is_split ? order_.content : part.sub_task.content).append("}");
}

bool TaskRun::has_part() {
  if (is_over() || ledger_->is_full()) return false;
  return !again_.empty() || !split_taken_ || ledger_->has_next();
}

TaskPart TaskRun::next_part() {
  if (!again_.empty()) return take_first(again_);
  if (!split_taken_) {
    split_taken_ = true;
    return {.is_split = true};
  }
  return {.is_split = false, .sub_task = ledger_->next()};
}

TaskPart TaskRun::next_suspect() { return take_first(suspects_); }

void TaskRun::answered(const TaskPart& part, PartAnswer answer) {
  if (!answer.fault.empty()) return failed(part, bad_answer(answer.fault));
  if (!part.is_split) return ledger_->keep({part.sub_task.number, std::move(answer.value)});
  order_.content = {};
  ledger_->keep_split(std::move(answer.contents));
}

void TaskRun::failed(const TaskPart& part, const Failure& failure) {
  if (part.is_split) return fail_split(failure);
  ledger_->keep({part.sub_task.number, to_task_error(failure)});
}

void TaskRun::fail_split(const Failure& failure) {
  failure_ = failure;
  ledger_->keep_failure(to_task_error(failure));
}

}  // namespace lambdapool::supervisor
