// The HTTP face of tasks: POST /main, whose client waits, and /tasks, whose tasks are stored.
//
// A stored task is acknowledged when it is on disk, and goes on after a restart of the supervisor.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "supervisor/config/config.h"
#include "supervisor/http/direction.h"
#include "supervisor/log/log.h"
#include "supervisor/tasks/runner.h"
#include "supervisor/tasks/store.h"
#include "supervisor/tasks/stored_ledger.h"
#include "supervisor/tasks/task_figures.h"
#include "supervisor/tasks/task_path.h"
#include "supervisor/uv/work.h"

namespace lambdapool::supervisor {

class TaskService final : public uv::Retirable, private RunnerEvents {
 public:
  // Opens the database and goes on with what it holds. `opened` is told whether that worked; the
  // text is for people.
  TaskService(uv::Loop& loop, Log& log, const TasksConfig& config, TaskWorkers& workers,
              std::string database,
              std::move_only_function<void(std::expected<void, std::string>)> opened);

  // Precondition: parse_task_path knows the path.
  void call(const HostCall& call, std::unique_ptr<Invocation> invocation);
  // The client of that connection has left: its task of POST /main is cancelled.
  void abandon(ConnectionId connection);
  // There may be room at a worker now.
  void wake() { runner_.wake(); }

  TaskFigures figures() const;

  // Begins nothing more of stored tasks; `quiet` is called when nothing of them runs any more.
  void stop(std::function<void()> quiet);

 private:
  using Calls = std::unique_ptr<Invocation>;

  void on_run_over(TaskKey key, std::unique_ptr<TaskRun> run) override;
  void on_runner_settled() override;

  // Reads the order, on a thread when it is long, and tells `then` afterwards.
  using Order = std::expected<TaskOrder, Failure>;
  std::unique_ptr<uv::Work> read(const HostCall& call, const Invocation& invocation,
                                 TaskIdMember task_id, std::move_only_function<void(Order)> then);
  void run_main(const HostCall& call, Calls invocation);
  void run_main(std::uint64_t connection, Order order);
  void add_task(const HostCall& call, Calls invocation);
  void add_task(std::uint64_t adding, Order order);
  void show_task(TaskKey task, std::string_view query, Calls invocation);
  void list_tasks(std::string_view query, Calls invocation);
  void delete_task(TaskKey task, Calls invocation);

  void on_opened(StoreResult<void> result);
  // Takes up stored tasks whose turn has come.
  void pump();
  void started(TaskKey task, StoreResult<std::optional<StoredTask>> result);
  void purge();

  uv::Loop& loop_;
  Log& log_;
  const TasksConfig config_;
  std::move_only_function<void(std::expected<void, std::string>)> opened_;
  Runner runner_;
  struct Main {
    TaskKey key = 0;  // 0 while its order is read.
    Calls invocation;
    std::unique_ptr<uv::Work> reading = {};
  };
  std::unordered_map<std::uint64_t, Main> main_;  // By connection.
  TaskKey last_main_ = 0;                         // Their keys are negative.
  struct Adding {
    Calls invocation;
    std::unique_ptr<uv::Work> reading = {};
  };
  std::unordered_map<std::uint64_t, Adding> adding_;  // Orders to be stored, while they are read.
  std::uint64_t last_adding_ = 0;
  std::deque<TaskKey> waiting_;  // Stored tasks, for their turn.
  std::set<TaskKey> active_;     // Stored tasks that have it.
  LedgerIndex ledgers_;
  TaskFigures ended_;  // Only its counts of tasks that are over.
  std::function<void()> quiet_;
  bool stopping_ = false;
  uv::Timer pump_again_;
  uv::Timer purge_timer_;
  // Last: it ends its thread before anything that its jobs use is gone.
  Store store_;
};

}  // namespace lambdapool::supervisor
