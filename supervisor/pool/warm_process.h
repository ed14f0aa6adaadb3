// A worker's process that a template is to fork; executed as any other when the template cannot.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/pool/template_process.h"
#include "supervisor/uv/child_process.h"
#include "supervisor/uv/process.h"

namespace lambdapool::supervisor {

class WarmProcess final : public uv::ChildProcess, private ForkOrder {
 public:
  using Started = std::function<void(int pid)>;

  // `options` are those of a process to be executed. `started` comes once, and never when the
  // process cannot be made in either way: then it has exited, with kNotStarted.
  static std::expected<std::unique_ptr<WarmProcess>, std::string> order(
      uv::Loop& loop, Log& log, TemplateProcess& from, const uv::SpawnOptions& options,
      Started started, Exited exited);
  ~WarmProcess() override;

  static constexpr int kNotStarted = 127;

  int pid() const override { return process_ == nullptr ? 0 : process_->pid(); }
  void signal(int number) override;
  void signal_group(int number) override;

 private:
  WarmProcess(uv::Loop& loop, Log& log, const uv::SpawnOptions& options, Started started,
              Exited exited);

  std::vector<int> descriptors() const override;
  void on_forked(int pid) override;
  void on_not_forked() override;
  void execute();
  void take(std::unique_ptr<uv::ChildProcess> process);

  uv::Loop& loop_;
  Log& log_;
  TemplateProcess* template_ = nullptr;  // While it owes an answer.
  uv::SpawnOptions options_;
  std::vector<uv::FileDescriptor> owned_;  // The worker's ends, until it has them.
  Started started_;
  Exited exited_;
  int wanted_signal_ = 0;
  uv::Timer later_;  // Nothing is reported inside a call from outside.
  std::unique_ptr<uv::ChildProcess> process_;
};

}  // namespace lambdapool::supervisor
