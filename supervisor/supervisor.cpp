#include "supervisor/supervisor.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "supervisor/lines.h"
#include "supervisor/source/lambda_identity.h"

namespace lambdapool::supervisor {
namespace {

constexpr int kSignalExitBase = 128;
constexpr std::uint32_t kMaxWorkers = 1024;
// An editor that saves makes several changes; after the last one it is quiet for this long.
constexpr Milliseconds kChangeTime{150};

std::string_view to_string(EventLoop loop) {
  switch (loop) {
    case EventLoop::kAuto:
      return "auto";
    case EventLoop::kUvloop:
      return "uvloop";
    case EventLoop::kAsyncio:
      return "asyncio";
  }
  return "auto";
}

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

std::string name_of(const LambdaConfig& lambda) {
  return lambda.name.empty() ? default_lambda_name(lambda.path) : lambda.name;
}

std::string id_of(const LambdaConfig& lambda) {
  return lambda.id.empty() ? default_lambda_id(name_of(lambda)) : lambda.id;
}

}  // namespace

Supervisor::Supervisor(Config config, Installation installation, Log& log)
    : config_(std::move(config)),
      installation_(std::move(installation)),
      log_(log),
      lambda_name_(name_of(config_.lambda)),
      lambda_id_(id_of(config_.lambda)),
      metrics_(lambda_id_) {}

std::expected<void, std::string> Supervisor::run() {
  if (auto prepared = prepare(); !prepared) return prepared;
  loop_.run();
  if (failure_) return std::unexpected(*failure_);
  return {};
}

std::expected<void, std::string> Supervisor::prepare() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path path = fs::canonical(config_.lambda.path, error);
  if (error)
    return std::unexpected(config_.lambda.path + ": " + error.message() +
                           "; give the path of a lambda");

  auto server =
      Server::bind(loop_, log_, config_.server, config_.lambda.version, config_.log.access, *this);
  if (!server) return std::unexpected(server.error());
  server_ = std::move(*server);
  watch_signals();

  lambda_path_ = path.string();
  is_archive_ = !fs::is_directory(path);
  if (config_.lambda.reload) {
    change_.emplace(loop_, [this] { reload(); });
    watch_ = std::make_unique<uv::FolderWatch>(loop_, lambda_path_,
                                               [this] { change_->start(kChangeTime); });
  }
  log_.info("starting", {{"pid", getpid()},
                         {"lambda", lambda_path_},
                         {"name", lambda_name_},
                         {"lambda_id", lambda_id_},
                         {"version", config_.lambda.version},
                         {"host", config_.server.host},
                         {"port", server_->port()},
                         {"workers", config_.pool.workers}});
  read_lambda([this](std::expected<std::string, std::string> root) {
    if (!root) return give_up(root.error());
    if (!stopping_) start_pool(*root);
  });
  return {};
}

void Supervisor::read_lambda(std::function<void(std::expected<std::string, std::string>)> done) {
  if (!is_archive_) {
    if (std::filesystem::is_directory(lambda_path_)) return done(lambda_path_);
    return done(std::unexpected(lambda_path_ + ": the folder is not there any more"));
  }
  if (unpack_folder_ == nullptr) {
    auto folder = UnpackFolder::create(config_.lambda.unpack_dir);
    if (!folder) return done(std::unexpected(folder.error()));
    unpack_folder_ = std::move(*folder);
  }
  const std::string root = unpack_folder_->generation(generation_);
  auto unpacker = Unpacker::start(loop_, installation_.worker_program, config_.lambda, lambda_path_,
                                  root, config_.pool.start_timeout,
                                  [this, root, done](std::expected<void, std::string> result) {
                                    loop_.retire(std::move(unpacker_));
                                    if (!result) return done(std::unexpected(result.error()));
                                    done(root);
                                  });
  if (!unpacker) return done(std::unexpected(unpacker.error()));
  loop_.retire(std::exchange(unpacker_, std::move(*unpacker)));
}

void Supervisor::reload() {
  if (stopping_ || !pool_) return;
  if (reloading_ || pool_->reloading()) {
    reload_again_ = true;
    return;
  }
  reloading_ = true;
  ++generation_;
  read_lambda([this](std::expected<std::string, std::string> root) {
    if (stopping_) return;
    if (!root) return end_reload(std::unexpected(root.error()));
    pool_->reload(settings(*root), [this](std::expected<void, std::string> result) {
      end_reload(std::move(result));
    });
  });
}

void Supervisor::end_reload(std::expected<void, std::string> result) {
  reloading_ = false;
  if (result) {
    log_.info("reloaded", {{"generation", generation_}});
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
  if (std::exchange(reload_again_, false)) reload();
}

void Supervisor::watch_signals() {
  const auto on = [this](int number, std::function<void()> action) {
    signals_.push_back(std::make_unique<uv::Signal>(loop_, number, std::move(action)));
  };
  on(SIGTERM, [this] { stop(SIGTERM); });
  on(SIGINT, [this] { stop(SIGINT); });
  on(SIGTTIN, [this] { scale(+1); });
  on(SIGTTOU, [this] { scale(-1); });
  on(SIGUSR1, [this] { log_.reopen(); });
  on(SIGHUP, [this] { reload(); });
  on(SIGUSR2, [this] { log_.warning("SIGUSR2 has no meaning here; USR1 opens the log again"); });
}

WorkerSettings Supervisor::settings(const std::string& lambda_root) const {
  return {
      .program = installation_.worker_program,
      .pylib = installation_.pylib,
      .lambda_root = lambda_root,
      .lambda_id = lambda_id_,
      .lambda_name = lambda_name_,
      .lambda_version = config_.lambda.version,
      .venv = config_.lambda.venv,
      .event_loop = std::string(to_string(config_.worker.event_loop)),
      .log_level = std::string(to_string(config_.log.level)),
      .pool = config_.pool,
      .block_warning = config_.worker.block_warning,
      .generation = generation_,
  };
}

void Supervisor::start_pool(const std::string& lambda_root) {
  pool_ = std::make_unique<WorkerPool>(loop_, log_, settings(lambda_root),
                                       static_cast<PoolEvents&>(*this));
  pool_->start();
}

void Supervisor::submit(std::unique_ptr<Invocation> invocation) {
  pool_->submit(std::move(invocation));
}

void Supervisor::abandon(ConnectionId connection) { pool_->abandon(connection); }

void Supervisor::give_credit(std::uint64_t stream, std::size_t bytes) {
  pool_->give_credit(stream, bytes);
}

void Supervisor::answered(const AnswerRecord& record) { metrics_.answered(record); }

std::optional<HostAnswer> Supervisor::answer_itself(std::string_view method,
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
  return HostAnswer{all ? metrics_.text(pool_->figures()) : metrics_.lambda_text(), kText, route};
}

void Supervisor::on_pool_worker_started() { metrics_.worker_started(); }

void Supervisor::on_pool_worker_gone(GoneCause cause) { metrics_.worker_gone(cause); }

void Supervisor::on_pool_loop_blocked() { metrics_.loop_blocked(); }

void Supervisor::on_pool_loop_unblocked(std::chrono::nanoseconds blocked) {
  metrics_.loop_unblocked(blocked);
}

void Supervisor::on_pool_metric(std::uint32_t worker, const protocol::Metric& metric) {
  if (auto added = metrics_.user().add(worker, metric); !added) {
    log_.warning("metric refused", {{"worker", worker}, {"text", added.error()}});
  }
}

void Supervisor::on_pool_ready() {
  if (stopping_) return;
  if (auto listening = server_->listen(); !listening) return give_up(listening.error());
  const bool v6 = config_.server.host.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + config_.server.host + "]" : config_.server.host;
  std::printf("listening on http://%s:%u\n", host.c_str(), unsigned{server_->port()});
  std::fflush(stdout);
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

void Supervisor::scale(int by) {
  if (!pool_ || stopping_) return;
  const auto wanted = static_cast<std::int64_t>(pool_->seats()) + by;
  if (wanted >= 1 && wanted <= kMaxWorkers) {
    pool_->scale(static_cast<std::uint32_t>(wanted));
  } else {
    log_.warning("not scaled: that is as few or as many workers as there may be",
                 {{"workers", pool_->seats()}});
  }
}

void Supervisor::stop(int signal) {
  if (stopping_) {
    log_.warning("stopping at once", {{"signal", signal}});
    exit_code_ = kSignalExitBase + signal;
    finish();
    if (pool_) pool_->kill();
    return;
  }
  stopping_ = true;
  log_.info("stopping", {{"signal", signal}, {"grace_ms", config_.pool.grace.count()}});
  grace_.emplace(loop_, [this] {
    log_.warning("requests are still running after the grace time and are given up",
                 {{"grace_ms", config_.pool.grace.count()}});
    stop_pool();
  });
  grace_->start(config_.pool.grace);
  server_->drain();
}

void Supervisor::on_drained() { stop_pool(); }

void Supervisor::stop_pool() {
  if (!pool_) return finish();
  pool_->stop();
}

void Supervisor::on_pool_stopped() { finish(); }

// Takes what is left off the loop, which then ends. May be called inside a callback of what it
// ends.
void Supervisor::finish() {
  if (grace_) grace_->stop();
  loop_.retire(std::move(unpacker_));
  watch_.reset();
  if (change_) change_->stop();
  loop_.retire(std::move(server_));
}

}  // namespace lambdapool::supervisor
