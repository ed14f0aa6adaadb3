// Starts the processes of workers: forked off the template of their generation where there is one,
// executed where there is none or where it cannot be used.
//
// A template that dies after it was ready is replaced; one that does not become ready, or dies
// again and again, is given up for its generation, with a warning. Workers start either way.
#pragma once

#include <memory>
#include <vector>

#include "supervisor/pool/template_process.h"
#include "supervisor/pool/warm_process.h"
#include "supervisor/pool/worker_process.h"

namespace lambdapool::supervisor {

class WorkerLauncher {
 public:
  using Started = WarmProcess::Started;
  using Exited = uv::ChildProcess::Exited;

  WorkerLauncher(uv::Loop& loop, Log& log) : loop_(loop), log_(log) {}
  ~WorkerLauncher() { end(); }
  WorkerLauncher(const WorkerLauncher&) = delete;
  WorkerLauncher& operator=(const WorkerLauncher&) = delete;

  // `started` says which process it is, during the call or later.
  std::expected<std::unique_ptr<uv::ChildProcess>, std::string> launch(
      const WorkerSettings& settings, const uv::SpawnOptions& options, Started started,
      Exited exited);

  // Ends the templates of all other generations.
  void keep_only(std::uint64_t generation);
  // Ends all of them; nothing is forked any more.
  void end();

 private:
  struct Generation {
    WorkerSettings settings;
    std::unique_ptr<TemplateProcess> process;  // Null when it is given up.
    int deaths = 0;
    uv::TimePoint first_death = {};
  };

  Generation& generation(const WorkerSettings& settings);
  void start(Generation& generation);
  void on_gone(TemplateProcess& process, const std::string& why);
  void give_up(Generation& generation, const std::string& why);

  uv::Loop& loop_;
  Log& log_;
  std::vector<std::unique_ptr<Generation>> generations_;
  bool ended_ = false;
};

}  // namespace lambdapool::supervisor
