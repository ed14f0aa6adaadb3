// The stacks of one worker that lives: those of its threads, which faulthandler writes at SIGUSR2
// whatever the threads do, and what its asyncio tasks wait for, which its loop tells when asked.
//
// Invariants: each `done` is called once, within its limit, and never after give_up(). A worker
// without a handler for SIGUSR2 is not sent it, since it would die of it.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/pool/crash_report.h"
#include "supervisor/pool/worker_channel.h"
#include "supervisor/uv/child_process.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

// One worker's stacks, for people. What could not be had is empty, and `tasks` says why.
struct WorkerStacks {
  std::uint32_t worker = 0;
  int pid = 0;
  std::string threads = {};
  std::string tasks = {};
};

// The innermost line of the lambda that the task of that name waits at, from a worker's text of its
// tasks: "lambda_main.py:12 in onStart: await connect()". Empty when the text names none.
std::string place_in_tasks(std::string_view tasks, std::string_view task);

class StackTaker {
 public:
  // All outlive it.
  StackTaker(uv::Loop& loop, uv::ChildProcess& process, CrashReport& report,
             WorkerChannel& channel);

  // All threads; empty when they cannot be had.
  using Threads = std::function<void(const std::string& text)>;
  void take_threads(Threads done);
  // What the tasks wait for; nothing when the loop does not answer in time.
  using Tasks = std::function<void(std::optional<std::string> text)>;
  void take_tasks(Milliseconds limit, Tasks done);
  // Both. `worker` and `pid` of what it gives are not filled in.
  using Done = std::function<void(WorkerStacks stacks)>;
  void take(Milliseconds limit, Done done);

  // The worker has answered. What nobody has asked is ignored.
  void on_told(const protocol::Stacks& told);
  // The worker has ended.
  void give_up();

 private:
  struct Question {
    std::uint64_t id;
    uv::TimePoint deadline;
    Tasks done;
  };
  struct Taking {
    std::optional<std::string> threads;
    std::optional<std::string> tasks;
    Done done;
  };

  void on_threads_written();
  void on_time_over();
  void wait_for_next();
  void finish_if_whole(std::list<Taking>::iterator taking);

  uv::ChildProcess& process_;
  CrashReport& report_;
  WorkerChannel& channel_;
  std::vector<Threads> waiting_for_threads_;
  std::list<Question> questions_;
  std::list<Taking> takings_;
  std::uint64_t asked_ = 0;
  bool given_up_ = false;
  uv::Timer threads_timer_;
  uv::Timer tasks_timer_;
};

}  // namespace lambdapool::supervisor
