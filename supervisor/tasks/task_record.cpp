#include "supervisor/tasks/task_record.h"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace lambdapool::supervisor {
namespace {

void append_number(std::string& out, std::string_view name, std::int64_t number) {
  out.append(",\"").append(name).append("\":").append(std::to_string(number));
}

void append_time(std::string& out, std::string_view name, std::optional<WallTime> time) {
  out.append(",\"").append(name).append("\":");
  if (time) {
    append_json_string(out, to_iso_text(*time));
  } else {
    out.append("null");
  }
}

}  // namespace

std::string_view to_string(TaskState state) {
  switch (state) {
    case TaskState::kWaiting:
      return "waiting";
    case TaskState::kSplitting:
      return "splitting";
    case TaskState::kRunning:
      return "running";
    case TaskState::kFinished:
      return "finished";
    case TaskState::kFailed:
      return "failed";
    case TaskState::kCancelled:
      return "cancelled";
  }
  return "waiting";
}

WallTime wall_time_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string to_iso_text(WallTime time) {
  const auto seconds = static_cast<std::time_t>(time / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(time % 1000));
  return text;
}

void append_json(std::string& out, const TaskRecord& record) {
  out.append("\"id\":").append(std::to_string(record.id));
  out.append(",\"task_id\":").append(record.task_id);
  out.append(",\"account_id\":");
  if (record.account_id.empty()) {
    out.append("null");
  } else {
    append_json_string(out, record.account_id);
  }
  out.append(",\"state\":");
  append_json_string(out, to_string(record.progress.state));
  out.append(",\"progress\":{\"done\":").append(std::to_string(record.progress.done));
  append_number(out, "failed", record.progress.failed);
  out.append(",\"total\":");
  out.append(record.progress.total ? std::to_string(*record.progress.total) : "null");
  out.append("},\"error\":");
  if (record.error) {
    out += '{';
    append_json(out, *record.error);
    out += '}';
  } else {
    out.append("null");
  }
  append_time(out, "create_time", record.created);
  append_time(out, "start_time", record.started);
  append_time(out, "end_time", record.ended);
}

}  // namespace lambdapool::supervisor
