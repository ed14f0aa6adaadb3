#include "supervisor/supervisor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "protocol/unused_pages.h"
#include "supervisor/config/changes.h"
#include "supervisor/config/python_settings.h"
#include "supervisor/config/values.h"
#include "supervisor/http/proxy_path.h"
#include "supervisor/lines.h"
#include "supervisor/source/lambda_identity.h"
#include "supervisor/tasks/database_path.h"
#include "supervisor/uv/work.h"

namespace lambdapool::supervisor {
namespace {

constexpr int kSignalExitBase = 128;
constexpr int kFailedExit = 1;
// What has run by then and was only for the start needs no memory any more.
constexpr Milliseconds kStartUp{2'000};
// An editor that saves makes several changes; after the last one it is quiet for this long.
constexpr Milliseconds kChangeTime{150};
// Two signals to stop within this time are one.
constexpr Milliseconds kOneMoment{100};
// Until whoever has cancelled a task is told why it has not ended yet.
constexpr Milliseconds kSlowEnd{1'000};
// Between two lines about refused metrics: one that has a label per request is refused with each.
constexpr Milliseconds kRefusalPause{10'000};

std::string name_of(const LambdaConfig& lambda) {
  return lambda.name.empty() ? default_lambda_name(lambda.path) : lambda.name;
}

std::string id_of(const LambdaConfig& lambda) {
  return lambda.id.empty() ? default_lambda_id(name_of(lambda)) : lambda.id;
}

std::string unreadable(const std::string& path, const std::string& why) {
  return path + ": " + why + "; it must be readable for user " + std::to_string(geteuid()) +
         ", as whom lambdapool runs (chmod -R a+rX, and its folders likewise; systemd's "
         "ProtectHome= hides /home and /root)";
}

// What a worker would only say after its start, and less well.
bool may_read(const std::filesystem::path& path, bool is_folder) {
  return access(path.c_str(), is_folder ? R_OK | X_OK : R_OK) == 0;
}

// The texts are those of the configuration.
protocol::Limits limits_of(const WorkerConfig& worker, const Account& account) {
  return {
      .memory = worker.memory_limit,
      .open_files = worker.open_files,
      .cpu_seconds = static_cast<std::uint64_t>(
          std::chrono::ceil<std::chrono::seconds>(worker.cpu_limit).count()),
      .processes = worker.processes,
      .core_bytes = worker.core_size,
      .nice = worker.nice,
      .no_new_privileges = worker.no_new_privileges ? 1U : 0U,
      .user = account.user,
      .uid = account.uid,
      .gid = account.gid,
  };
}

}  // namespace

Supervisor::Supervisor(Config config, ConfigSources sources, Installation installation, Log& log,
                       std::optional<TaskOrder> order)
    : config_(std::move(config)),
      sources_(std::move(sources)),
      installation_(std::move(installation)),
      log_(log),
      lambda_name_(name_of(config_.lambda)),
      lambda_id_(id_of(config_.lambda)),
      metrics_(lambda_id_),
      server_config_(config_.server),
      order_(std::move(order)),
      manager_(loop_),
      log_level_(config_.log.level) {}

void Supervisor::fit_connections(std::uint64_t descriptors) {
  constexpr std::uint64_t kOwn = 24;
  constexpr std::uint64_t kPerWorker = 12;
  constexpr std::uint64_t kLeast = 4;
  constexpr std::uint64_t kPerListener = 40;  // With its connections.
  std::uint64_t reserve = kOwn + kPerWorker * (config_.pool.workers + 1);
  if (config_.control.enabled) reserve += kPerListener;
  if (!config_.admin.listen.empty()) reserve += kPerListener;
  const std::uint64_t room = std::max(kLeast, descriptors - std::min(descriptors, reserve));
  if (server_config_.max_connections <= room) return;
  log_.warning(
      "the limit of open files (ulimit -n) allows fewer connections than server.max_connections",
      {{"open_files", descriptors}, {"connections", room}});
  server_config_.max_connections = static_cast<std::uint32_t>(room);
}

std::expected<void, std::string> Supervisor::run() {
  if (auto started = uv::Work::start_threads(loop_); !started) return started;
  if (auto prepared = prepare(); !prepared) return prepared;
  loop_.run();
  if (failure_) return std::unexpected(*failure_);
  return {};
}

std::expected<void, std::string> Supervisor::prepare() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path path = fs::canonical(config_.lambda.path, error);
  if (error == std::errc::permission_denied) {
    return std::unexpected(unreadable(config_.lambda.path, error.message()));
  }
  if (error)
    return std::unexpected(config_.lambda.path + ": " + error.message() +
                           "; give the path of a lambda");
  is_archive_ = !fs::is_directory(path, error);
  if (!may_read(path, !is_archive_)) {
    return std::unexpected(unreadable(config_.lambda.path, std::strerror(errno)));
  }

  auto account = find_account(config_.worker.user, config_.worker.group);
  if (!account) return std::unexpected(account.error());
  account_ = std::move(*account);

  if (!order_) {
    auto server = Server::bind(loop_, log_, server_config_, config_.lambda.version,
                               config_.log.access, *this);
    if (!server) return std::unexpected(server.error());
    server_ = std::move(*server);
    port_ = server_->port();
  }
  watch_signals();

  lambda_path_ = path.string();
  if (config_.lambda.reload) {
    change_.emplace(loop_, [this] { reload({}); });
    watch_ = std::make_unique<uv::FolderWatch>(loop_, lambda_path_,
                                               [this] { change_->start(kChangeTime); });
  }
  log_.info("starting", {{"pid", getpid()},
                         {"lambda", lambda_path_},
                         {"name", lambda_name_},
                         {"lambda_id", lambda_id_},
                         {"version", config_.lambda.version},
                         {"host", config_.server.host},
                         {"port", server_ ? server_->port() : 0},
                         {"workers", config_.pool.workers}});
  if (server_) {
    if (auto opened = open_control(); !opened) return opened;
    if (auto opened = open_admin(); !opened) return opened;
  }
  open_crash_folder();
  read_lambda(config_, [this](std::expected<std::string, std::string> root) {
    if (!root) return give_up(root.error());
    if (!stopping_) start_pool(*root);
  });
  return {};
}

void Supervisor::read_lambda(
    const Config& config,
    const std::function<void(std::expected<std::string, std::string>)>& done) {
  if (!is_archive_) {
    if (std::filesystem::is_directory(lambda_path_)) return done(lambda_path_);
    return done(std::unexpected(lambda_path_ + ": the folder is not there any more"));
  }
  if (unpack_folder_ == nullptr) {
    auto folder = UnpackFolder::create(config_.lambda.unpack_dir, account_);
    if (!folder) return done(std::unexpected(folder.error()));
    unpack_folder_ = std::move(*folder);
  }
  const std::string root = unpack_folder_->generation(generation_);
  auto unpacker = Unpacker::start(loop_, installation_.worker_program, config.lambda, lambda_path_,
                                  root, config.pool.start_timeout,
                                  [this, root, done](std::expected<void, std::string> result) {
                                    loop_.retire(std::move(unpacker_));
                                    if (!result) return done(std::unexpected(result.error()));
                                    // The folder around it keeps out whoever should not see it.
                                    if (!account_.user.empty()) chmod(root.c_str(), 0755);
                                    done(root);
                                  });
  if (!unpacker) return done(std::unexpected(unpacker.error()));
  loop_.retire(std::exchange(unpacker_, std::move(*unpacker)));
}

void Supervisor::reload(Reloaded done) {
  if (!done) done = [](const auto&) {};
  if (stopping_) return done(std::unexpected("the supervisor is stopping"));
  if (!pool_) return done(std::unexpected("the supervisor is still starting; try again"));
  if (reloading_ || pool_->reloading()) {
    reload_again_ = true;
    next_reload_waits_.push_back(std::move(done));
    return;
  }
  reload_waits_.push_back(std::move(done));
  reloading_ = true;
  manager_.reloading();
  auto config = read_config();
  if (!config) return end_reload(std::unexpected(config.error()));
  next_config_ = std::move(*config);
  ++generation_;
  read_lambda(next_config_, [this](std::expected<std::string, std::string> root) {
    if (stopping_) return;
    if (!root) return end_reload(std::unexpected(root.error()));
    pool_->reload(settings(*root, next_config_), [this](std::expected<void, std::string> result) {
      end_reload(std::move(result));
    });
  });
}

std::expected<Config, std::string> Supervisor::read_config() {
  const auto read = load_config(sources_);
  if (!read) {
    std::string lines;
    for (const std::string& line : read.error()) lines += (lines.empty() ? "" : "\n") + line;
    return std::unexpected(lines);
  }
  for (const std::string& remark : read->remarks) log_.warning(remark);
  not_applied_.clear();
  for (const ConfigChange& change : find_changes(config_, *read)) {
    log_.write(change.needs_restart ? LogLevel::kWarning : LogLevel::kInfo,
               change.needs_restart ? "this change of the configuration needs a restart"
                                    : "configuration changed",
               {{"key", change.key}, {"from", change.before}, {"to", change.after}});
    if (change.needs_restart) not_applied_.emplace_back(change.key);
  }
  return with_live_changes(config_, *read);
}

void Supervisor::adopt(const Config& config) {
  const Config before = std::exchange(config_, config);
  server_->set_lambda_version(config_.lambda.version);
  if (config_.log.level != before.log.level) {
    log_level_ = config_.log.level;
    log_.set_level(log_level_);
  }
  if (config_.pool.workers != before.pool.workers) pool_->scale(config_.pool.workers);
}

void Supervisor::end_reload(std::expected<void, std::string> result) {
  reloading_ = false;
  if (result) {
    adopt(next_config_);
    log_.info("reloaded", {{"generation", generation_}});
    open_tasks([] {});
    // The one before may still be in use by workers that finish their requests.
    if (unpack_folder_ && generation_ > 2) unpack_folder_->remove(generation_ - 2);
  } else {
    for_each_line(result.error(), [this](std::string_view line) {
      log_.error(is_archive_ ? "reload failed, the lambda serves on as it was"
                             : "reload failed, the workers serve on as they are; one that dies "
                               "needs the files in order",
                 {{"text", line}});
    });
  }
  if (!stopping_ && pool_->health().ever_ready) manager_.ready();
  tell_reloaded(reload_waits_, result);
  if (!std::exchange(reload_again_, false)) return;
  auto waits = std::exchange(next_reload_waits_, {});
  reload(
      [this, waits = std::move(waits)](const auto& next) mutable { tell_reloaded(waits, next); });
}

void Supervisor::tell_reloaded(std::vector<Reloaded>& waiting,
                               const std::expected<void, std::string>& result) {
  for (const Reloaded& done : std::exchange(waiting, {})) done(result);
}

void Supervisor::watch_signals() {
  const auto on = [this](int number, std::function<void()> action) {
    signals_.push_back(std::make_unique<uv::Signal>(loop_, number, std::move(action)));
  };
  on(SIGTERM, [this] { on_stop_signal(SIGTERM); });
  on(SIGINT, [this] { on_stop_signal(SIGINT); });
  on(SIGQUIT, [this] { on_stop_signal(SIGQUIT); });
  on(SIGTTIN, [this] { scale_by(+1); });
  on(SIGTTOU, [this] { scale_by(-1); });
  on(SIGUSR1, [this] { log_.reopen(); });
  on(SIGHUP, [this] { reload({}); });
  on(SIGUSR2, [this] { log_.warning("SIGUSR2 has no meaning here; USR1 opens the log again"); });
}

WorkerSettings Supervisor::settings(const std::string& lambda_root, const Config& config) const {
  return {
      .program = installation_.worker_program,
      .system_python = config.worker.interpreter == Interpreter::kSystem,
      .pylib = installation_.pylib,
      .lambda_root = lambda_root,
      .lambda_id = lambda_id_,
      .lambda_name = lambda_name_,
      .lambda_version = config.lambda.version,
      .venv = config.lambda.venv,
      .event_loop = std::string(to_string(config.worker.event_loop)),
      // What an operator has set by hand lasts until the configuration says something new.
      .log_level = std::string(
          to_string(config.log.level != config_.log.level ? config.log.level : log_level_)),
      .settings = python_settings(config),
      .limits = limits_of(config.worker, account_),
      .pool = config.pool,
      .quarantine = config.quarantine,
      .block_warning = config.worker.block_warning,
      .generation = generation_,
  };
}

void Supervisor::start_pool(const std::string& lambda_root) {
  pool_ = std::make_unique<WorkerPool>(loop_, log_, settings(lambda_root, config_),
                                       static_cast<PoolEvents&>(*this));
  pool_->start();
}

void Supervisor::submit(std::unique_ptr<Invocation> invocation) {
  pool_->submit(std::move(invocation));
}

// Of a client, and of a part of a task.
void Supervisor::abandon(ConnectionId connection) {
  if (tasks_) tasks_->abandon(connection);
  pool_->abandon(connection);
}

bool Supervisor::offer(std::size_t most, const std::function<std::unique_ptr<Invocation>()>& make) {
  return runs_tasks() && pool_->offer(most, make);
}

bool Supervisor::runs_tasks() const { return pool_ && pool_->lambda_type() == "tasks"; }

void Supervisor::give_credit(std::uint64_t stream, std::size_t bytes) {
  pool_->give_credit(stream, bytes);
}

void Supervisor::answered(const AnswerRecord& record) {
  metrics_.answered(record);
  totals_.add(record);
}

Direction Supervisor::direct(const RequestHead& head) {
  std::string lambda_path;
  if (auto proxy = parse_proxy_path(head.path)) {
    if (auto fault = find_proxy_fault(*proxy, head, lambda_id_)) {
      fault->route = kProxyRoute;
      return HostAnswer{std::move(*fault), {}, kProxyRoute};
    }
    lambda_path = std::move(proxy->path);
  }
  const std::string_view path = lambda_path.empty() ? head.path : std::string_view(lambda_path);
  if (auto answer = answer_metrics(head.method, path)) return std::move(*answer);
  if (runs_tasks() && parse_task_path(path)) {
    return HostCall{std::string(head.method), std::string(path), std::string(head.query),
                    std::string(account_id(head).value_or(""))};
  }
  return ToLambda{std::move(lambda_path)};
}

void Supervisor::call(HostCall call, std::unique_ptr<Invocation> invocation) {
  if (tasks_) return tasks_->call(call, std::move(invocation));
  fail(std::move(invocation), make_failure(FailureKind::kNoWorker, "tasks cannot be run yet"));
}

std::optional<HostAnswer> Supervisor::answer_metrics(std::string_view method,
                                                     std::string_view path) {
  if (!config_.metrics.enabled) return std::nullopt;
  const bool all = path == "/metrics";
  if (!all && path != "/lambda_metrics") return std::nullopt;
  const std::string_view route = all ? "/metrics" : "/lambda_metrics";
  constexpr std::string_view kText = "text/plain; version=0.0.4; charset=utf-8";
  if (method != "GET") {
    Failure failure = make_failure(FailureKind::kMethodNotAllowed, "Method not allowed");
    failure.headers.emplace_back("Allow", "GET");
    failure.route = route;
    return HostAnswer{std::move(failure), kText, route};
  }
  return HostAnswer{all ? metrics_.text(pool_->figures(), log_.lost()) : metrics_.lambda_text(),
                    kText, route};
}

void Supervisor::on_pool_worker_started() { metrics_.worker_started(); }

void Supervisor::on_pool_worker_gone(GoneCause cause) { metrics_.worker_gone(cause); }

void Supervisor::on_pool_loop_blocked() { metrics_.loop_blocked(); }

void Supervisor::on_pool_loop_unblocked(std::chrono::nanoseconds blocked) {
  metrics_.loop_unblocked(blocked);
}

void Supervisor::on_pool_metric(std::uint32_t worker, const protocol::Metric& metric) {
  const auto added = metrics_.user().add(worker, metric);
  if (added) return;
  ++metrics_refused_;
  const auto now = std::chrono::steady_clock::now();
  if (metric_refusal_told_ && now - *metric_refusal_told_ < kRefusalPause) return;
  log_.warning("metric refused",
               {{"worker", worker}, {"text", added.error()}, {"refused", metrics_refused_}});
  metric_refusal_told_ = now;
  metrics_refused_ = 0;
}

void Supervisor::open_tasks(std::function<void()> opened) {
  if (!runs_tasks() || tasks_) return opened();
  auto path = database_path(config_.tasks.database, lambda_id_);
  if (!path) return give_up(path.error());
  tasks_ = std::make_unique<TaskService>(
      loop_, log_, config_.tasks, static_cast<TaskWorkers&>(*this), *std::move(path),
      [this, opened = std::move(opened)](std::expected<void, std::string> result) {
        if (stopping_) return;
        if (!result) return give_up(result.error());
        opened();
      });
}

void Supervisor::on_pool_ready() {
  if (stopping_) return;
  if (order_) return run_order(*std::move(order_));
  open_tasks([this] { listen(); });
}

void Supervisor::run_order(TaskOrder order) {
  if (!runs_tasks()) {
    return give_up(lambda_path_ + ": is a " + pool_->lambda_type() +
                   " lambda; only tasks lambdas, with a class LambdaTask, run tasks");
  }
  command_ =
      std::make_unique<TaskCommand>(loop_, log_, config_.tasks, static_cast<TaskWorkers&>(*this),
                                    std::move(order), [this](int exit_code) {
                                      exit_code_ = exit_code;
                                      stopping_ = true;
                                      stop_pool();
                                    });
  command_->start();
}

void Supervisor::listen() {
  if (auto listening = server_->listen(); !listening) return give_up(listening.error());
  const bool v6 = config_.server.host.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + config_.server.host + "]" : config_.server.host;
  std::printf("listening on http://%s:%u\n", host.c_str(), unsigned{server_->port()});
  std::fflush(stdout);
  manager_.ready();
  started_up_.emplace(loop_, &protocol::let_go_of_file_pages);
  started_up_->start(kStartUp);
}

void Supervisor::on_pool_failed(const std::string& text) {
  if (!config_.lambda.reload) return give_up("the lambda does not start: " + text);
  log_.error("the lambda does not start; waiting for a change of its files", {{"text", text}});
}

void Supervisor::give_up(std::string why) {
  failure_ = std::move(why);
  stopping_ = true;
  finish();
  if (pool_) pool_->kill();
}

std::expected<std::uint32_t, std::string> Supervisor::scale(std::int64_t workers) {
  if (stopping_) return std::unexpected("the supervisor is stopping");
  if (!pool_) return std::unexpected("the supervisor is still starting; try again");
  if (workers < 1 || workers > kMaxWorkers) {
    return std::unexpected("there may be 1 to " + std::to_string(kMaxWorkers) + " workers");
  }
  const std::uint32_t before = pool_->seats();
  pool_->scale(static_cast<std::uint32_t>(workers));
  return before;
}

void Supervisor::scale_by(int by) {
  if (!pool_ || stopping_) return;
  if (!scale(static_cast<std::int64_t>(pool_->seats()) + by)) {
    log_.warning("not scaled: that is as few or as many workers as there may be",
                 {{"workers", pool_->seats()}});
  }
}

void Supervisor::on_stop_signal(int signal) {
  const std::string name = std::string("SIG") + sigabbrev_np(signal);
  const auto now = std::chrono::steady_clock::now();
  if (!stopping_) {
    first_stop_ = now;
    return stop(name);
  }
  // Whoever signals a process and its group means it once.
  if (now - first_stop_ < kOneMoment) return;
  exit_code_ = kSignalExitBase + signal;
  stop_at_once(name);
}

void Supervisor::stop_at_once(std::string_view why) {
  log_.warning("stopping at once", {{"reason", why}});
  stopping_ = true;
  manager_.stopping();
  tell_reloaded(reload_waits_, std::unexpected("the supervisor was told to stop"));
  tell_reloaded(next_reload_waits_, std::unexpected("the supervisor was told to stop"));
  finish();
  if (pool_) pool_->kill();
}

void Supervisor::stop(std::string_view why) {
  stopping_ = true;
  log_.info("stopping", {{"reason", why},
                         {"drain_delay_ms", config_.server.drain_delay.count()},
                         {"grace_ms", config_.pool.grace.count()}});
  manager_.stopping();
  tell_reloaded(reload_waits_, std::unexpected("the supervisor was told to stop"));
  tell_reloaded(next_reload_waits_, std::unexpected("the supervisor was told to stop"));
  const bool serves = server_ && pool_ && pool_->health().ever_ready;
  if (!serves || config_.server.drain_delay.count() == 0) return drain();
  server_->leave();
  drain_delay_.emplace(loop_, [this] { drain(); });
  drain_delay_->start(config_.server.drain_delay);
}

void Supervisor::drain() {
  grace_.emplace(loop_, [this] {
    log_.warning("requests are still running after the grace time and are given up",
                 {{"grace_ms", config_.pool.grace.count()}});
    stop_pool();
  });
  grace_->start(config_.pool.grace);
  if (server_ == nullptr) {
    if (command_) command_->cancel();
    exit_code_ = kFailedExit;
    slow_end_.emplace(loop_, [this] {
      const auto limit =
          std::chrono::duration_cast<std::chrono::seconds>(config_.pool.shutdown_timeout);
      std::fprintf(stderr,
                   "waiting for the lambda to end, at most %lld s (pool.shutdown_timeout); a "
                   "second signal (Ctrl-C) ends it at once\n",
                   static_cast<long long>(limit.count()));
    });
    slow_end_->start(kSlowEnd);
    return stop_pool();
  }
  if (tasks_) {
    tasks_are_quiet_ = false;
    tasks_->stop([this] {
      tasks_are_quiet_ = true;
      stop_when_idle();
    });
  }
  server_->drain();
}

void Supervisor::on_drained() {
  drained_ = true;
  stop_when_idle();
}

void Supervisor::stop_when_idle() {
  if (drained_ && tasks_are_quiet_) stop_pool();
}

void Supervisor::stop_pool() {
  if (!pool_) return finish();
  pool_->stop();
}

void Supervisor::on_pool_stopped() { finish(); }

// Takes what is left off the loop, which then ends. May be called inside a callback of what it
// ends.
void Supervisor::finish() {
  if (started_up_) started_up_->stop();
  if (drain_delay_) drain_delay_->stop();
  if (grace_) grace_->stop();
  if (slow_end_) slow_end_->stop();
  loop_.retire(std::move(unpacker_));
  watch_.reset();
  if (change_) change_->stop();
  // Before the server, which is told of the answers that are still owed.
  loop_.retire(std::move(tasks_));
  loop_.retire(std::move(command_));
  loop_.retire(std::move(server_));
  loop_.retire(std::move(control_));
  loop_.retire(std::move(admin_));
  manager_.finish();
}

}  // namespace lambdapool::supervisor
