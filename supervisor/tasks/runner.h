// Runs tasks: gives their parts to workers, a bounded number at a time, and sorts what comes back.
//
// A part whose worker died is its own fault only when no other part ran there. Several that died
// together run again one by one, each alone in a worker, before anything else begins; so whoever
// kills workers is found, and the others finish. A part that never ran is tried again after a
// pause.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "supervisor/log/log.h"
#include "supervisor/pool/invocation.h"
#include "supervisor/tasks/task_run.h"
#include "supervisor/uv/timer.h"
#include "supervisor/uv/work.h"

namespace lambdapool::supervisor {

// The workers, as tasks need them.
class TaskWorkers {
 public:
  // Gives a worker what `make` makes, when there is one that can take it now and runs fewer than
  // `most` parts of tasks.
  virtual bool offer(std::size_t most,
                     const std::function<std::unique_ptr<Invocation>()>& make) = 0;
  virtual void abandon(ConnectionId connection) = 0;

 protected:
  ~TaskWorkers() = default;
};

class RunnerEvents {
 public:
  // The run is no longer the runner's.
  virtual void on_run_over(TaskKey key, std::unique_ptr<TaskRun> run) = 0;
  // The runner has dealt with all that had come.
  virtual void on_runner_settled() = 0;

 protected:
  ~RunnerEvents() = default;
};

class Runner final : private AnswerSink {
 public:
  Runner(uv::Loop& loop, Log& log, TaskWorkers& workers, std::size_t per_worker,
         RunnerEvents& events);

  void add(TaskKey key, std::unique_ptr<TaskRun> run);
  // Stops running it; null when it is not here. What runs of it is cancelled.
  std::unique_ptr<TaskRun> cancel(TaskKey key);
  TaskRun* find(TaskKey key);
  std::size_t size() const { return runs_.size(); }

  // Something has changed that may let parts run.
  void wake();
  // Begins no more parts of runs for which `kept` is true.
  void hold(std::function<bool(TaskKey)> kept);
  // How many parts of such runs are with workers, or not kept yet.
  bool is_quiet(const std::function<bool(TaskKey)>& which) const;

 private:
  struct Call {
    TaskKey key = 0;
    TaskPart part = {};
    bool alone = false;                      // No other part runs in its worker.
    std::unique_ptr<uv::Work> reading = {};  // Of its answer, when that is long.
  };
  struct Crash {
    std::uint32_t worker = 0;
    Call call = {};
    Failure failure = {};
  };

  void on_response(ConnectionId connection, const protocol::Response& response,
                   const Passage& passage) override;
  void on_failure(ConnectionId connection, const Failure& failure, const Passage& passage) override;
  bool on_stream_head(ConnectionId connection, std::uint64_t stream,
                      const protocol::StreamHead& head, const Passage& passage) override;
  void on_stream_chunk(ConnectionId, std::uint64_t, std::string_view) override {}
  void on_stream_end(ConnectionId, std::uint64_t, StreamEnding) override {}

  std::optional<Call> take_call(ConnectionId connection);
  void read(ConnectionId connection, PartAnswer answer);
  void turn();
  void judge_crashes();
  void take_out_what_is_over();
  // Whether something is left that could be begun.
  bool fill();
  bool offer(TaskKey key, TaskRun& run, bool alone);
  TaskRun* next_run(const std::function<bool(TaskRun&)>& which);
  bool is_held(TaskKey key) const { return held_ && held_(key); }

  uv::Loop& loop_;
  Log& log_;
  TaskWorkers& workers_;
  const std::size_t per_worker_;
  RunnerEvents& events_;
  std::map<TaskKey, std::unique_ptr<TaskRun>> runs_;
  TaskKey last_served_ = 0;  // The next one after it has its turn.
  std::unordered_map<std::uint64_t, Call> calls_;
  std::uint64_t last_call_ = 0;
  std::size_t alone_ = 0;  // Calls that run alone.
  std::vector<Crash> crashes_;
  std::function<bool(TaskKey)> held_;
  Milliseconds pause_{0};
  uv::Timer turn_;
};

}  // namespace lambdapool::supervisor
