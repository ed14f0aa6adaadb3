// The part of the Supervisor that operators and health checks talk to.

#include <unistd.h>

#include "supervisor/config/values.h"
#include "supervisor/control/socket_path.h"
#include "supervisor/control/status_json.h"
#include "supervisor/crash/crash_json.h"
#include "supervisor/supervisor.h"

namespace lambdapool::supervisor {

std::expected<void, std::string> Supervisor::open_control() {
  if (!config_.control.enabled) return {};
  const bool asked_for = !config_.control.socket.empty();
  const auto path = asked_for ? std::expected<std::string, std::string>(config_.control.socket)
                              : default_socket_path(server_->port());
  auto opened = path ? ControlServer::open(loop_, log_, *path, static_cast<ControlHandler&>(*this))
                     : std::unexpected(path.error());
  if (opened) {
    control_ = std::move(*opened);
    log_.info("control socket", {{"path", control_->path()}});
    return {};
  }
  if (asked_for) return std::unexpected(opened.error() + " (control.socket)");
  // Serving matters more than a socket that nobody asked for.
  log_.warning("there is no control socket; control.socket names another place for it",
               {{"text", opened.error()}});
  return {};
}

std::expected<void, std::string> Supervisor::open_admin() {
  if (config_.admin.listen.empty()) return {};
  auto opened = AdminServer::open(loop_, log_, config_.admin.listen, config_.lambda.version,
                                  static_cast<AdminHost&>(*this));
  if (!opened) return std::unexpected(opened.error());
  admin_ = std::move(*opened);
  log_.info("admin listener", {{"address", admin_->address()}});
  return {};
}

void Supervisor::open_crash_folder() {
  const std::string folder =
      config_.crash.folder.empty() ? default_crash_folder() : config_.crash.folder;
  if (folder.empty()) return;
  crashes_.emplace(loop_, log_, folder,
                   CrashFolderLimits{config_.crash.keep, config_.crash.max_size});
}

std::string Supervisor::crash_path(const WorkerDeath& death) {
  return crashes_ ? crashes_->path_of(crash_file_name(death)) : "";
}

void Supervisor::on_pool_worker_died(const WorkerDeath& death) {
  if (!crashes_) return;
  const DeathLambda lambda{lambda_id_, lambda_name_, config_.lambda.version, lambda_path_};
  crashes_->write(crash_file_name(death), json_page(to_json(death, lambda, limits_json(config_))));
}

std::vector<NotReady> Supervisor::why_not_ready() const {
  const ReadinessLimits limits{config_.admin.max_queue_age, config_.admin.crash_loop_deaths};
  return supervisor::why_not_ready(pool_ ? pool_->health() : PoolHealth{}, stopping_, limits);
}

std::string Supervisor::metrics_text() const {
  return metrics_.text(pool_ ? pool_->figures() : PoolFigures{}, log_.lost());
}

Json Supervisor::status_json() const {
  const bool ever_ready = pool_ && pool_->health().ever_ready;
  const std::string_view state = stopping_     ? "draining"
                                 : !ever_ready ? "starting"
                                 : reloading_  ? "reloading"
                                               : "serving";
  const bool v6 = config_.server.host.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + config_.server.host + "]" : config_.server.host;
  return to_json(
      SupervisorStatus{.pid = getpid(),
                       .started = started_,
                       .age = std::chrono::steady_clock::now() - made_,
                       .state = std::string(state),
                       .generation = generation_,
                       .lambda_id = lambda_id_,
                       .lambda_name = lambda_name_,
                       .lambda_version = config_.lambda.version,
                       .lambda_path = lambda_path_,
                       .config_file = config_.file,
                       .address = "http://" + host + ":" + std::to_string(port_),
                       .log_level = std::string(to_string(log_level_)),
                       .not_ready = why_not_ready(),
                       .pool = pool_ ? pool_->status() : PoolStatus{},
                       .totals = totals_,
                       .tasks = tasks_ ? std::optional(tasks_->figures()) : std::nullopt});
}

void Supervisor::control(ControlId id, const ControlRequest& request) {
  const auto answer = [this, id](const ControlResult& result) {
    // It is gone when the end of the supervisor is what the answer waited for.
    if (control_) control_->answer(id, result);
  };
  if (const auto* to_scale = std::get_if<control::Scale>(&request)) {
    const auto before = scale(to_scale->workers);
    if (!before) return answer(std::unexpected(before.error()));
    return answer(Json{{"workers", to_scale->workers}, {"before", *before}});
  }
  if (std::holds_alternative<control::Reload>(request)) {
    return reload([this, answer](const std::expected<void, std::string>& result) {
      if (!result) return answer(std::unexpected(result.error()));
      answer(Json{{"generation", generation_}, {"needs_restart", not_applied_}});
    });
  }
  if (const auto* to_stop = std::get_if<control::Stop>(&request)) {
    if (stopping_ && !to_stop->now) {
      return answer(
          std::unexpected("the supervisor is stopping already; `stop --now` does not wait for "
                          "running requests"));
    }
    const Milliseconds wait = config_.server.drain_delay + config_.pool.grace;
    answer(Json{{"grace_s", to_stop->now ? 0.0 : std::chrono::duration<double>(wait).count()}});
    return to_stop->now ? stop_at_once("control socket") : stop("control socket");
  }
  if (const auto* to_set = std::get_if<control::SetLogLevel>(&request)) {
    const LogLevel before = std::exchange(log_level_, to_set->level);
    log_.set_level(log_level_);
    if (pool_) pool_->set_log_level(to_string(log_level_));
    return answer(Json{{"level", to_string(log_level_)}, {"before", to_string(before)}});
  }
  if (std::holds_alternative<control::Status>(request)) return answer(status_json());
  if (std::holds_alternative<control::ListQuarantine>(request)) {
    return answer(quarantine_json(pool_ ? pool_->quarantined() : std::vector<QuarantineEntry>{}));
  }
  if (std::holds_alternative<control::ClearQuarantine>(request)) {
    return answer(Json{{"cleared", pool_ ? pool_->clear_quarantine() : 0}});
  }
  if (!pool_) return answer(std::unexpected("the supervisor is still starting; try again"));
  constexpr Milliseconds kStacksLimit{2'000};
  pool_->take_stacks(kStacksLimit, [answer](const std::vector<WorkerStacks>& workers) {
    Json list = Json::array();
    for (const WorkerStacks& each : workers) {
      list.push_back({{"worker", each.worker},
                      {"pid", each.pid},
                      {"threads", each.threads},
                      {"tasks", each.tasks}});
    }
    answer(list);
  });
}

}  // namespace lambdapool::supervisor
