#include "supervisor/tasks/memory_ledger.h"

namespace lambdapool::supervisor {

void MemoryLedger::keep_split(std::vector<std::string> contents) {
  progress_.total = static_cast<std::uint32_t>(contents.size());
  progress_.state = contents.empty() ? TaskState::kFinished : TaskState::kRunning;
  outcomes_.resize(contents.size());
  std::uint32_t number = 0;
  for (std::string& content : contents) waiting_.push_back({number++, std::move(content)});
}

void MemoryLedger::keep(Outcome outcome) {
  if (is_over(progress_.state)) return;
  auto& place = outcomes_.at(outcome.number);
  if (place) return;
  bytes_ += outcome.bytes();
  if (bytes_ > max_bytes_) {
    return keep_failure(to_task_error(
        make_failure(FailureKind::kBadResponse,
                     "the results have more than " + std::to_string(max_bytes_) +
                         " bytes (tasks.max_results); POST /tasks keeps them on disk")));
  }
  ++(outcome.failed() ? progress_.failed : progress_.done);
  place = std::move(outcome);
  if (progress_.total == progress_.done + progress_.failed) {
    progress_.state = TaskState::kFinished;
  }
}

void MemoryLedger::keep_failure(const TaskError& error) {
  error_ = error;
  progress_.state = TaskState::kFailed;
  waiting_.clear();
  outcomes_.clear();
}

SubTask MemoryLedger::next() {
  SubTask next = std::move(waiting_.front());
  waiting_.pop_front();
  return next;
}

std::string MemoryLedger::answer(const std::string& task_id) const {
  std::string text = "{\"task_id\":" + task_id;
  for (const bool failed : {false, true}) {
    text.append(failed ? ",\"errors\":[" : ",\"results\":[");
    bool first = true;
    for (const auto& outcome : outcomes_) {
      if (!outcome || outcome->failed() != failed) continue;
      if (!first) text += ',';
      first = false;
      append_json(text, *outcome);
    }
    text += ']';
  }
  return text + "}";
}

}  // namespace lambdapool::supervisor
