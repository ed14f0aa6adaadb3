#include "supervisor/control/status_json.h"

#include <algorithm>

#include "supervisor/log/line.h"

namespace lambdapool::supervisor {
namespace {

// With milliseconds: more digits would only be noise.
double seconds(std::chrono::nanoseconds duration) {
  constexpr double kPerSecond = 1000;
  return static_cast<double>(std::chrono::round<std::chrono::milliseconds>(duration).count()) /
         kPerSecond;
}

std::string time_text(std::chrono::system_clock::time_point time) {
  std::string text;
  append_time(text, time);
  return text;
}

Json exits_json(const std::map<GoneCause, std::uint64_t>& exits) {
  Json object = Json::object();
  for (const auto& [cause, count] : exits) object[std::string(to_string(cause))] = count;
  return object;
}

Json requests_json(const std::vector<RequestStatus>& requests, std::size_t& room) {
  Json list = Json::array();
  for (const RequestStatus& request : requests) {
    if (room == 0) break;
    --room;
    list.push_back({{"id", request.id.empty() ? Json() : Json(request.id)},
                    {"age_s", seconds(request.age)},
                    {"begun", request.begun}});
  }
  return list;
}

Json worker_json(const WorkerStatus& worker, std::size_t& room) {
  Json object = {{"worker", worker.number},
                 {"pid", worker.pid},
                 {"state", to_string(worker.state)},
                 {"generation", worker.generation},
                 {"started", time_text(worker.started)},
                 {"age_s", seconds(worker.age)},
                 {"served", worker.served},
                 {"in_flight", worker.in_flight},
                 {"requests", requests_json(worker.requests, room)},
                 {"rss", nullptr},
                 {"cpu_s", nullptr}};
  if (worker.usage) {
    object["rss"] = worker.usage->resident_bytes;
    object["cpu_s"] = seconds(worker.usage->cpu);
  }
  return object;
}

Json seat_json(const SeatStatus& seat, std::size_t& room) {
  Json object = seat.worker ? worker_json(*seat.worker, room)
                            : Json{{"worker", nullptr}, {"pid", nullptr}, {"state", "waiting"}};
  object["seat"] = seat.number;
  object["exits"] = exits_json(seat.exits);
  object["last_exit"] = nullptr;
  if (seat.last_exit) {
    object["last_exit"] = {{"time", time_text(seat.last_exit->when)},
                           {"cause", to_string(seat.last_exit->cause)},
                           {"text", seat.last_exit->text}};
  }
  return object;
}

Json totals_json(const Totals& totals) {
  Json responses = Json::object();
  for (std::size_t first_digit = 1; first_digit < totals.by_class.size(); ++first_digit) {
    responses[std::to_string(first_digit) + "xx"] = totals.by_class.at(first_digit);
  }
  Json failures = Json::object();
  for (const auto& [kind, count] : totals.failures) failures[kind] = count;
  return {{"requests", totals.requests}, {"responses", responses}, {"failures", failures}};
}

Json tasks_json(const TaskFigures& tasks) {
  return {{"waiting", tasks.waiting},   {"running", tasks.running}, {"limit", tasks.limit},
          {"finished", tasks.finished}, {"failed", tasks.failed},   {"cancelled", tasks.cancelled}};
}

}  // namespace

Json to_json(const std::vector<NotReady>& reasons) {
  Json list = Json::array();
  for (const NotReady& each : reasons) {
    list.push_back({{"reason", each.reason}, {"text", each.text}});
  }
  return list;
}

Json quarantine_json(const std::vector<QuarantineEntry>& entries) {
  Json list = Json::array();
  for (const QuarantineEntry& entry : entries) {
    list.push_back({{"method", entry.request.method},
                    {"target", entry.request.target},
                    {"body_bytes", entry.request.body_bytes},
                    {"deaths", entry.deaths},
                    {"isolated", entry.isolated},
                    {"left_s", seconds(entry.left)},
                    {"request_id", entry.request_id.empty() ? Json() : Json(entry.request_id)}});
  }
  return list;
}

Json to_json(const SupervisorStatus& status) {
  Json workers = Json::array();
  std::size_t room = kMaxListedRequests;
  for (const SeatStatus& seat : status.pool.seats) {
    workers.push_back(seat_json(seat, room));
    if (seat.next) workers.push_back(worker_json(*seat.next, room));
  }
  for (const WorkerStatus& worker : status.pool.spares) {
    workers.push_back(worker_json(worker, room));
    // A spare that is ready is ready for a seat, not for requests.
    if (worker.state == WorkerState::kReady) workers.back()["state"] = "spare";
  }
  for (const WorkerStatus& worker : status.pool.retiring) {
    workers.push_back(worker_json(worker, room));
  }
  return {{"version", LAMBDAPOOL_VERSION},
          {"pid", status.pid},
          {"started", time_text(status.started)},
          {"age_s", seconds(status.age)},
          {"state", status.state},
          {"ready", status.not_ready.empty()},
          {"reasons", to_json(status.not_ready)},
          {"generation", status.generation},
          {"lambda",
           {{"name", status.lambda_name},
            {"id", status.lambda_id},
            {"version", status.lambda_version},
            {"type", status.pool.lambda_type.empty() ? Json() : Json(status.pool.lambda_type)},
            {"path", status.lambda_path}}},
          {"config", status.config_file.empty() ? Json() : Json(status.config_file)},
          {"address", status.address},
          {"log_level", status.log_level},
          {"queue",
           {{"length", status.pool.queued},
            {"limit", status.pool.queue_length},
            {"oldest_s", seconds(status.pool.oldest_queued)}}},
          {"totals", totals_json(status.totals)},
          {"tasks", status.tasks ? tasks_json(*status.tasks) : Json()},
          {"exits", exits_json(status.pool.exits)},
          {"workers", workers}};
}

}  // namespace lambdapool::supervisor
