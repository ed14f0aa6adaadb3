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

#include "supervisor/config/config.h"
#include "supervisor/http/server.h"
#include "supervisor/installation.h"
#include "supervisor/log/log.h"
#include "supervisor/metrics/metrics.h"
#include "supervisor/pool/worker_pool.h"
#include "supervisor/source/unpack_folder.h"
#include "supervisor/source/unpacker.h"
#include "supervisor/uv/folder_watch.h"
#include "supervisor/uv/loop.h"
#include "supervisor/uv/signal.h"

namespace lambdapool::supervisor {

class Supervisor final : private RequestHandler, private PoolEvents {
 public:
  Supervisor(Config config, Installation installation, Log& log);

  // Serves until it is told to stop. Failure: one or more lines for people.
  std::expected<void, std::string> run();

  // What the program should exit with after a run that did not fail.
  int exit_code() const { return exit_code_; }

 private:
  void submit(std::unique_ptr<Invocation> invocation) override;
  void abandon(ConnectionId connection) override;
  void give_credit(std::uint64_t stream, std::size_t bytes) override;
  void answered(const AnswerRecord& record) override;
  std::optional<HostAnswer> answer_itself(std::string_view method, std::string_view path) override;
  void on_drained() override;
  void on_pool_ready() override;
  void on_pool_failed(const std::string& text) override;
  void on_pool_stopped() override;
  void on_pool_worker_started() override;
  void on_pool_worker_gone(GoneCause cause) override;
  void on_pool_loop_blocked() override;
  void on_pool_loop_unblocked(std::chrono::nanoseconds blocked) override;
  void on_pool_metric(std::uint32_t worker, const protocol::Metric& metric) override;

  std::expected<void, std::string> prepare();
  void watch_signals();
  WorkerSettings settings(const std::string& lambda_root) const;
  void start_pool(const std::string& lambda_root);
  // Gives the root of the current generation, unpacked where it is an archive.
  void read_lambda(std::function<void(std::expected<std::string, std::string>)> done);
  void reload();
  void end_reload(std::expected<void, std::string> result);
  void scale(int by);
  void stop(int signal);
  void stop_pool();
  void give_up(std::string why);
  void finish();

  // Destroyed from the last to the first: the loop outlives all handles, the server all requests.
  const Config config_;
  const Installation installation_;
  Log& log_;
  const std::string lambda_name_;
  const std::string lambda_id_;
  Metrics metrics_;
  std::string lambda_path_;  // Absolute.
  bool is_archive_ = false;
  uv::Loop loop_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<UnpackFolder> unpack_folder_;
  std::unique_ptr<Unpacker> unpacker_;
  std::unique_ptr<WorkerPool> pool_;
  std::vector<std::unique_ptr<uv::Signal>> signals_;
  std::unique_ptr<uv::FolderWatch> watch_;
  std::optional<uv::Timer> change_;  // Runs while a change may not be over.
  std::uint64_t generation_ = 1;
  bool reloading_ = false;
  bool reload_again_ = false;
  std::optional<uv::Timer> grace_;
  std::optional<std::string> failure_;
  bool stopping_ = false;
  int exit_code_ = 0;
};

}  // namespace lambdapool::supervisor
