// `lambdapool task run`: one task from the shell, on workers of its own, kept in memory.
//
// The result goes to standard output as JSON. Standard error shows how far it is: a bar that is
// drawn over itself on a terminal, else a line now and then.
#pragma once

#include <functional>
#include <string>

#include "supervisor/config/config.h"
#include "supervisor/log/log.h"
#include "supervisor/tasks/runner.h"

namespace lambdapool::supervisor {

class TaskCommand final : public uv::Retirable, private RunnerEvents {
 public:
  // `done` is told the exit code once: 0 when each sub-task has a result, else 1.
  TaskCommand(uv::Loop& loop, Log& log, const TasksConfig& config, TaskWorkers& workers,
              TaskOrder order, std::function<void(int)> done);

  void start();
  // Cancels what runs; nothing is printed on standard output then.
  void cancel();

 private:
  void on_run_over(TaskKey key, std::unique_ptr<TaskRun> run) override;
  void on_runner_settled() override {}
  void show();
  void draw(const TaskProgress& progress);
  void end_bar();

  const TasksConfig config_;
  TaskOrder order_;
  std::function<void(int)> done_;
  const bool on_terminal_;
  Runner runner_;
  uv::Timer show_;
  std::string shown_;
  uv::TimePoint shown_at_;
  bool started_ = false;
};

// Reads the content of a task from a file, `-` is standard input. Failure: a line for people.
std::expected<std::string, std::string> read_task_content(const std::string& path);

}  // namespace lambdapool::supervisor
