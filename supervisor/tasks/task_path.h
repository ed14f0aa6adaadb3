// Which path of a tasks lambda is the supervisor's, and which task it names.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "supervisor/tasks/task_record.h"

namespace lambdapool::supervisor {

enum class TaskRoute { kMain, kTasks, kTask, kUnknown };

struct TaskPath {
  TaskRoute route = TaskRoute::kUnknown;
  TaskKey task = 0;
};

// Nothing when the path is the lambda's. It is compared as routes of the host are: percent-decoded,
// without slashes at its end.
std::optional<TaskPath> parse_task_path(std::string_view path);

// An argument of a query, as a number from `least` to `most`; `otherwise` when it is not there,
// nothing when it is no such number.
std::optional<std::uint32_t> number_argument(std::string_view query, std::string_view name,
                                             std::uint32_t least, std::uint32_t most,
                                             std::uint32_t otherwise);

}  // namespace lambdapool::supervisor
