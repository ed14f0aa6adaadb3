// What tasks and sub-tasks come to, as values and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "supervisor/failure.h"

namespace lambdapool::supervisor {

// Why a sub-task, or a task as a whole, has failed; the fields of LUNA's errors.
struct TaskError {
  std::uint32_t error_code = 0;
  std::string desc = {};
  std::string detail = {};
  bool operator==(const TaskError&) const = default;
};
TaskError to_task_error(const Failure& failure);

// One of the parts that a task was split into.
struct SubTask {
  std::uint32_t number = 0;  // Its place, from 0.
  std::string content = {};  // JSON.
};

struct Outcome {
  std::uint32_t number = 0;
  std::variant<std::string, TaskError> value;  // The result as JSON, or the error.

  bool failed() const { return std::holds_alternative<TaskError>(value); }
  std::size_t bytes() const;
};

// Appends a string with its quotes.
void append_json_string(std::string& out, std::string_view text);
// Appends `"error_code":...,"desc":...,"detail":...`.
void append_json(std::string& out, const TaskError& error);
// Appends an object with sub_task_id and the result or the error.
void append_json(std::string& out, const Outcome& outcome);

// What the failure of a call that ran a part of a task means.
enum class Verdict {
  kOwn,       // It is the part's own failure.
  kNeverRan,  // It never ran, or not to its end for a reason outside of it: to be run again.
  kCrashed,   // Its worker died, of this part or of another that ran beside it.
};
Verdict verdict_on(const Failure& failure);

}  // namespace lambdapool::supervisor
