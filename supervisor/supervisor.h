// The supervisor: builds everything, owns everything, and brings it to an orderly end.
//
// Starting: the port is taken, an archive is unpacked, the workers start; with the first that is
// ready clients are let in. Stopping (TERM, INT): no client is let in any more, those that wait get
// their answers within pool.grace, the workers shut down, and the loop ends because nothing is left
// on it. A second signal ends everything at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/account.h"
#include "supervisor/config/config.h"
#include "supervisor/config/loader.h"
#include "supervisor/control/control_server.h"
#include "supervisor/crash/crash_folder.h"
#include "supervisor/health/admin_server.h"
#include "supervisor/health/service_manager.h"
#include "supervisor/http/server.h"
#include "supervisor/installation.h"
#include "supervisor/log/log.h"
#include "supervisor/metrics/metrics.h"
#include "supervisor/metrics/totals.h"
#include "supervisor/pool/worker_pool.h"
#include "supervisor/source/unpack_folder.h"
#include "supervisor/source/unpacker.h"
#include "supervisor/tasks/task_command.h"
#include "supervisor/tasks/task_service.h"
#include "supervisor/uv/folder_watch.h"
#include "supervisor/uv/loop.h"
#include "supervisor/uv/signal.h"

namespace lambdapool::supervisor {

class Supervisor final : private RequestHandler,
                         private PoolEvents,
                         private ControlHandler,
                         private AdminHost,
                         private TaskWorkers {
 public:
  // `sources` are where `config` comes from; a reload reads them again. With an order it serves
  // nobody: it runs that task and ends.
  Supervisor(Config config, ConfigSources sources, Installation installation, Log& log,
             std::optional<TaskOrder> order = std::nullopt);

  // Lets no more clients in than `descriptors` allow with all else that needs them. Before run().
  void fit_connections(std::uint64_t descriptors);

  // Serves until it is told to stop. Failure: one or more lines for people.
  std::expected<void, std::string> run();

  // What the program should exit with after a run that did not fail.
  int exit_code() const { return exit_code_; }

 private:
  void submit(std::unique_ptr<Invocation> invocation) override;
  void abandon(ConnectionId connection) override;
  void give_credit(std::uint64_t stream, std::size_t bytes) override;
  void answered(const AnswerRecord& record) override;
  Direction direct(const RequestHead& head) override;
  void call(HostCall call, std::unique_ptr<Invocation> invocation) override;
  void on_drained() override;
  bool offer(std::size_t most, const std::function<std::unique_ptr<Invocation>()>& make) override;
  void on_pool_ready() override;
  void on_pool_failed(const std::string& text) override;
  void on_pool_stopped() override;
  void on_pool_worker_started() override;
  void on_pool_worker_gone(GoneCause cause) override;
  void on_pool_loop_blocked() override;
  void on_pool_loop_unblocked(std::chrono::nanoseconds blocked) override;
  std::string crash_path(const WorkerDeath& death) override;
  void on_pool_worker_died(const WorkerDeath& death) override;
  void on_pool_metric(std::uint32_t worker, const protocol::Metric& metric) override;
  void control(ControlId id, const ControlRequest& request) override;
  std::vector<NotReady> why_not_ready() const override;
  std::string metrics_text() const override;
  Json status_json() const override;

  std::expected<void, std::string> prepare();
  void watch_signals();
  WorkerSettings settings(const std::string& lambda_root, const Config& config) const;
  void start_pool(const std::string& lambda_root);
  // Gives the root of the current generation, unpacked where it is an archive.
  void read_lambda(const Config& config,
                   const std::function<void(std::expected<std::string, std::string>)>& done);
  // What the configuration says now, as far as a running supervisor can follow it.
  std::expected<Config, std::string> read_config();
  void adopt(const Config& config);
  // Tells `done`, exactly once, how it ended.
  using Reloaded = std::function<void(std::expected<void, std::string>)>;
  void reload(Reloaded done);
  void end_reload(std::expected<void, std::string> result);
  void tell_reloaded(std::vector<Reloaded>& waiting,
                     const std::expected<void, std::string>& result);
  // Gives how many workers there were.
  std::expected<std::uint32_t, std::string> scale(std::int64_t workers);
  void scale_by(int by);
  void on_stop_signal(int signal);
  void stop(std::string_view why);
  void drain();
  void stop_at_once(std::string_view why);
  std::expected<void, std::string> open_control();
  std::expected<void, std::string> open_admin();
  void open_crash_folder();
  std::optional<HostAnswer> answer_metrics(std::string_view method, std::string_view path);
  bool runs_tasks() const;
  // Opens the database of tasks, unless that has been done or the lambda is none of tasks.
  void open_tasks(std::function<void()> opened);
  void listen();
  void run_order(TaskOrder order);
  void stop_when_idle();
  void stop_pool();
  void give_up(std::string why);
  void finish();

  // Destroyed from the last to the first: the loop outlives all handles, the server all requests.
  Config config_;
  const ConfigSources sources_;
  const Installation installation_;
  Log& log_;
  const std::string lambda_name_;
  const std::string lambda_id_;
  Metrics metrics_;
  std::uint64_t metrics_refused_ = 0;  // Since the last line about it.
  std::optional<std::chrono::steady_clock::time_point> metric_refusal_told_;
  ServerConfig server_config_;  // With as many connections as there can be.
  Account account_;             // As whom workers run.
  std::string lambda_path_;     // Absolute.
  bool is_archive_ = false;
  uv::Loop loop_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<UnpackFolder> unpack_folder_;
  std::unique_ptr<Unpacker> unpacker_;
  std::unique_ptr<TaskService> tasks_;
  std::unique_ptr<WorkerPool> pool_;
  std::optional<TaskOrder> order_;
  std::unique_ptr<TaskCommand> command_;
  std::vector<std::unique_ptr<uv::Signal>> signals_;
  std::unique_ptr<uv::FolderWatch> watch_;
  std::optional<uv::Timer> change_;  // Runs while a change may not be over.
  std::uint64_t generation_ = 1;
  bool reloading_ = false;
  Config next_config_;                    // Of the reload that runs.
  std::vector<std::string> not_applied_;  // Keys that have changed and need a restart.
  bool reload_again_ = false;
  std::vector<Reloaded> reload_waits_;       // For the end of the reload that runs.
  std::vector<Reloaded> next_reload_waits_;  // For that of the one after it.
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<AdminServer> admin_;
  ServiceManager manager_;
  std::optional<CrashFolder> crashes_;
  LogLevel log_level_;
  std::uint16_t port_ = 0;  // Known also when nobody is let in any more.
  Totals totals_;
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  const std::chrono::steady_clock::time_point made_ = std::chrono::steady_clock::now();
  std::optional<uv::Timer> started_up_;  // Runs until what only the start needed is over.
  std::optional<uv::Timer> drain_delay_;
  std::optional<uv::Timer> grace_;
  std::optional<uv::Timer> slow_end_;  // Of a task from the shell that has been cancelled.
  std::optional<std::string> failure_;
  bool stopping_ = false;
  uv::TimePoint first_stop_;     // When the first signal to stop came.
  bool drained_ = false;         // While stopping: no client waits any more.
  bool tasks_are_quiet_ = true;  // While stopping: nothing of stored tasks runs any more.
  int exit_code_ = 0;
};

}  // namespace lambdapool::supervisor
