#include "supervisor/crash/crash_json.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include "supervisor/config/schema.h"
#include "supervisor/lines.h"
#include "supervisor/log/line.h"

namespace lambdapool::supervisor {
namespace {

double seconds(std::chrono::nanoseconds duration) {
  constexpr double kPerSecond = 1000;
  return static_cast<double>(std::chrono::round<std::chrono::milliseconds>(duration).count()) /
         kPerSecond;
}

Json lines_json(std::string_view text) {
  Json lines = Json::array();
  for_each_line(text, [&lines](std::string_view line) { lines.push_back(line); });
  return lines;
}

Json requests_json(const WorkerDeath& death) {
  Json list = Json::array();
  for (const DeathRequest& request : death.requests) {
    if (list.size() == kMaxDeathRequests) break;
    list.push_back({{"id", request.id},
                    {"method", request.method},
                    {"path", request.path},
                    {"age_s", seconds(request.age)},
                    {"begun", request.begun},
                    {"culprit", request.culprit},
                    {"fate", request.fate}});
  }
  return list;
}

std::string time_text(std::chrono::system_clock::time_point time) {
  std::string text;
  append_time(text, time);
  return text;
}

}  // namespace

Json to_json(const WorkerDeath& death, const DeathLambda& lambda, const Json& limits) {
  const char* signal_name =
      death.exit_status.signal > 0 ? sigabbrev_np(death.exit_status.signal) : nullptr;
  return {{"time", time_text(death.when)},
          {"lambdapool", LAMBDAPOOL_VERSION},
          {"lambda",
           {{"id", lambda.id},
            {"name", lambda.name},
            {"version", lambda.version},
            {"path", lambda.path},
            {"generation", death.generation}}},
          {"worker",
           {{"number", death.worker},
            {"pid", death.pid},
            {"was_ready", death.was_ready},
            {"uptime_s", seconds(death.uptime)},
            {"served", death.served},
            {"rss", death.memory ? Json(death.memory->resident_bytes) : Json()},
            {"peak_rss", death.memory ? Json(death.memory->peak_bytes) : Json()}}},
          {"cause", to_string(death.cause)},
          {"text", death.sentence},
          {"exit_status", death.exit_status.signal == 0 ? Json(death.exit_status.status) : Json()},
          {"signal", death.exit_status.signal == 0 ? Json() : Json(death.exit_status.signal)},
          {"out_of_memory", death.out_of_memory},
          {"signal_name", signal_name == nullptr ? Json() : Json(std::string("SIG") + signal_name)},
          {"traceback", lines_json(death.traceback)},
          {"stderr", death.last_stderr},
          {"stdout", death.last_stdout},
          {"in_flight", death.requests.size()},
          {"requests", requests_json(death)},
          {"limits", limits}};
}

Json limits_json(Config config) {
  Json limits = Json::object();
  for (const Key& key : keys()) {
    const std::string_view section = key.section();
    if (section != "pool" && section != "worker") continue;
    limits[std::string(key.path)] = value_text(config, key);
  }
  return limits;
}

}  // namespace lambdapool::supervisor
