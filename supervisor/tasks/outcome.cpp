#include "supervisor/tasks/outcome.h"

#include <algorithm>
#include <array>

#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {

TaskError to_task_error(const Failure& failure) {
  return {failure.error_code, failure.desc, failure.detail};
}

std::size_t Outcome::bytes() const {
  constexpr std::size_t kBeside = 32;
  if (const auto* result = std::get_if<std::string>(&value)) return kBeside + result->size();
  const auto& error = std::get<TaskError>(value);
  return kBeside + error.desc.size() + error.detail.size();
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(out, text);
  out += '"';
}

void append_json(std::string& out, const TaskError& error) {
  out.append("\"error_code\":").append(std::to_string(error.error_code)).append(",\"desc\":");
  append_json_string(out, error.desc);
  out.append(",\"detail\":");
  append_json_string(out, error.detail);
}

void append_json(std::string& out, const Outcome& outcome) {
  out.append("{\"sub_task_id\":").append(std::to_string(outcome.number)).append(",");
  if (const auto* result = std::get_if<std::string>(&outcome.value)) {
    out.append("\"result\":").append(*result);
  } else {
    append_json(out, std::get<TaskError>(outcome.value));
  }
  out += '}';
}

Verdict verdict_on(const Failure& failure) {
  // The 503s of the pool, and that of a worker which is told to shut down.
  constexpr std::array<std::string_view, 7> kNeverRan = {
      "queue_full", "queue_timeout", "no_worker", "invalid_lambda",
      "draining",   "buffers_full",  "cancelled"};
  if (failure.status == 503 && std::ranges::find(kNeverRan, failure.kind) != kNeverRan.end()) {
    return Verdict::kNeverRan;
  }
  return failure.kind.starts_with("worker_crashed") ? Verdict::kCrashed : Verdict::kOwn;
}

}  // namespace lambdapool::supervisor
