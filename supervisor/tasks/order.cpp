#include "supervisor/tasks/order.h"

#include <algorithm>

#include "supervisor/http/text.h"
#include "supervisor/tasks/json_text.h"

namespace lambdapool::supervisor {
namespace {

// As many digits as Python reads.
constexpr std::size_t kMaxDigits = 4300;

std::unexpected<Failure> invalid(std::string_view path, std::string_view found,
                                 std::string_view not_found) {
  return std::unexpected(make_failure(FailureKind::kInvalidJson,
                                      "Path: '" + std::string(path) + "' message: '" +
                                          std::string(found) + std::string(not_found) + "'"));
}

bool is_uuid(std::string_view text) {
  return std::ranges::equal(
      text, std::string_view("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
      [](char c, char form) { return form == '-' ? c == '-' : is_hex(c) && c == to_lower(c); });
}

}  // namespace

std::expected<TaskOrder, Failure> read_order(std::string_view body, std::string_view account_id,
                                             std::string_view request_id, TaskIdMember task_id) {
  const bool needs_task_id = task_id == TaskIdMember::kRequired;
  const auto order = parse_json(body);
  if (!order) {
    return std::unexpected(make_failure(FailureKind::kNoJson, "Request does not contain json"));
  }
  if (order->kind != JsonKind::kObject) {
    return invalid("", kind_name(order->kind),
                   needs_task_id ? " is not an object with task_id and content"
                                 : " is not an object with content");
  }
  const auto id = find_member(*order, "task_id");
  const auto content = find_member(*order, "content");
  const auto is_missing = [](std::string_view name) {
    return std::unexpected(make_failure(FailureKind::kMissingField,
                                        "Field " + std::string(name) + " not found in json"));
  };
  if (needs_task_id && !id) return is_missing("task_id");
  if (!content) return is_missing("content");
  if (id && !id->is_integer()) {
    return invalid("task_id", kind_name(id->kind), " is not an integer");
  }
  if (id && id->text.size() > kMaxDigits) {
    return invalid("task_id", "an integer", " of so many digits is not possible");
  }
  if (content->kind != JsonKind::kObject) {
    return invalid("content", kind_name(content->kind), " is not an object");
  }
  if (!account_id.empty() && !is_uuid(account_id)) {
    return std::unexpected(make_failure(
        FailureKind::kBadAccount, "Bad header 'Luna-Account-Id': it must be a UUID in lower case"));
  }
  return TaskOrder{std::string(id ? id->text : std::string_view{}), std::string(account_id),
                   std::string(request_id), std::string(content->text)};
}

}  // namespace lambdapool::supervisor
