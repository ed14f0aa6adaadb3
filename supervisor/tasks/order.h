// What a client orders: the body of POST /main and POST /tasks, checked.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "supervisor/failure.h"

namespace lambdapool::supervisor {

// A task as its client ordered it.
struct TaskOrder {
  std::string task_id = {};     // An integer as JSON; empty when the client gave none.
  std::string account_id = {};  // A UUID; empty when the client gave none.
  std::string request_id = {};
  std::string content = {};  // A JSON object.
};

enum class TaskIdMember { kRequired, kOptional };

// Failure: LUNA's, with the place at fault.
std::expected<TaskOrder, Failure> read_order(std::string_view body, std::string_view account_id,
                                             std::string_view request_id, TaskIdMember task_id);

}  // namespace lambdapool::supervisor
