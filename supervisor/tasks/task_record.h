// What is kept of a stored task.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "supervisor/tasks/outcome.h"

namespace lambdapool::supervisor {

using TaskKey = std::int64_t;

// Kept as numbers: a new one goes to the end.
enum class TaskState {
  kWaiting,  // For its turn.
  kSplitting,
  kRunning,   // It is split; its sub-tasks run.
  kFinished,  // Each sub-task has a result or an error.
  kFailed,    // It could not be split.
  kCancelled,
};
std::string_view to_string(TaskState state);
inline bool is_over(TaskState state) { return state >= TaskState::kFinished; }

// Milliseconds since 1970.
using WallTime = std::int64_t;
WallTime wall_time_now();
// "2026-01-02T03:04:05.678Z".
std::string to_iso_text(WallTime time);

// How far a task is: counted is what is kept.
struct TaskProgress {
  TaskState state = TaskState::kWaiting;
  std::optional<std::uint32_t> total;  // Sub-tasks; unknown until it is split.
  std::uint32_t done = 0;
  std::uint32_t failed = 0;
};

struct TaskRecord {
  TaskKey id = 0;
  std::string task_id;  // As the lambda sees it: an integer as JSON.
  std::string account_id = {};
  std::string request_id = {};
  TaskProgress progress = {};
  std::optional<TaskError> error = {};
  WallTime created = 0;
  std::optional<WallTime> started = {};
  std::optional<WallTime> ended = {};
};

// Appends the record's members without the braces around them.
void append_json(std::string& out, const TaskRecord& record);

}  // namespace lambdapool::supervisor
