// One worker: an OS process with one lambda loaded, its channel, and the requests it holds.
//
//   Starting --ready--> Ready --retire--> Retiring --last request done--> Stopping
//   Starting/Ready/Retiring --stop--> Stopping;   any --died--> Gone
//
// Invariants:
//   A slot is busy from dispatch until the worker has answered it, also when its client was
//   answered long before. Gone needs both the exit status and end-of-file on the channel, in either
//   order; the wait for the second is bounded, because a child that the lambda left behind may hold
//   the channel. When it is Gone, every request it held has been answered or handed back, and its
//   process group has been killed.
// The pool that owns it outlives it and is told everything; it destroys it through Loop::retire.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/crash/worker_death.h"
#include "supervisor/log/log.h"
#include "supervisor/pool/answer_memory.h"
#include "supervisor/pool/crash_report.h"
#include "supervisor/pool/exit_status.h"
#include "supervisor/pool/gone_cause.h"
#include "supervisor/pool/invocation.h"
#include "supervisor/pool/output_pipe.h"
#include "supervisor/pool/pool_status.h"
#include "supervisor/pool/request_fingerprint.h"
#include "supervisor/pool/request_slots.h"
#include "supervisor/pool/stack_taker.h"
#include "supervisor/pool/vitals_page.h"
#include "supervisor/pool/worker_channel.h"
#include "supervisor/uv/child_process.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

// What every worker of a pool is started with.
struct WorkerSettings {
  std::string program;
  bool system_python = false;  // Who runs it: the system's python3.
  std::string pylib;
  std::string lambda_root;
  std::string lambda_id;
  std::string lambda_name;
  std::string lambda_version;
  std::string venv;
  std::string event_loop;
  std::string log_level;
  std::string settings = "{}";  // JSON, for the Python side.
  protocol::Limits limits;  // Its texts are those of the configuration, which outlives all workers.
  PoolConfig pool;
  QuarantineConfig quarantine;
  Milliseconds block_warning{0};  // Zero: none.
  std::uint64_t generation = 1;   // Which version of the lambda it is, counted by the supervisor.
};

// The program with the arguments that all its uses have in common.
std::vector<std::string> worker_command(const WorkerSettings& settings);

// What a worker of that number is told first. Views into `settings`.
protocol::Start start_message(const WorkerSettings& settings, std::uint32_t number);

class WorkerLauncher;
class WorkerProcess;

// How far a start had come that failed.
enum class StartStage { kLoad, kLater };

// What a worker that is gone leaves.
struct Departure {
  GoneCause cause = GoneCause::kCrashed;
  // Requests that may run in another worker: it had not begun them, or they may be replayed.
  std::vector<std::unique_ptr<Invocation>> returned;
  // The request that ended it by its own doing, if that is known.
  std::optional<RequestFingerprint> culprit;
  std::string culprit_id = {};  // Its request id; empty when its client had left.
};

// When a worker is replaced although it is well. Each worker draws its own, so that those that have
// started together do not end together. Zero: never.
struct Lifespan {
  std::uint64_t requests = 0;
  Milliseconds time{0};
  std::uint64_t resident_bytes = 0;
};
// At most a tenth below the configured values; `fraction` is from 0 to 1.
Lifespan make_lifespan(const PoolConfig& config, double fraction);

class WorkerEvents {
 public:
  virtual void on_worker_ready(WorkerProcess& worker) = 0;
  // `text` is for people.
  virtual void on_worker_start_failed(WorkerProcess& worker, StartStage stage,
                                      std::string_view text) = 0;
  virtual void on_worker_metric(WorkerProcess& worker, const protocol::Metric& metric) = 0;
  // Its event loop is blocked; and later, that it goes on or is gone.
  virtual void on_worker_blocked() = 0;
  virtual void on_worker_unblocked(std::chrono::nanoseconds blocked) = 0;
  // It can take one request more than before.
  virtual void on_worker_free(WorkerProcess& worker) = 0;
  // A request ignores its cancellation: the worker should be replaced when its other requests are
  // done.
  virtual void on_worker_spoiled(WorkerProcess& worker) = 0;
  virtual void on_worker_gone(WorkerProcess& worker, Departure departure) = 0;
  // Whether the kernel has killed a process for want of memory since it was last asked.
  virtual bool ran_out_of_memory() = 0;
  // Of a worker that was not told to stop: where the file about it will be, and what is in it.
  virtual std::string crash_path(const WorkerDeath& death) = 0;
  virtual void on_worker_died(const WorkerDeath& death) = 0;

 protected:
  ~WorkerEvents() = default;
};

class WorkerProcess final : public uv::Retirable, private ChannelEvents {
 public:
  // `dispatched` counts the requests of the whole pool; see request_slots.h.
  static std::expected<std::unique_ptr<WorkerProcess>, std::string> spawn(
      uv::Loop& loop, Log& log, WorkerLauncher& launcher, const WorkerSettings& settings,
      std::uint32_t number, std::uint64_t& dispatched, WorkerEvents& events);

  std::uint32_t number() const { return number_; }
  std::uint64_t generation() const { return settings_.generation; }
  int pid() const { return pid_; }  // 0 while it is not known yet.
  WorkerState state() const { return state_; }
  std::size_t outstanding() const { return slots_.busy(); }
  // Those of them that are calls of the supervisor's own.
  std::size_t own_calls() const;
  // Whether a request may be dispatched to it now.
  bool accepts() const;
  // Whether its loop has taken all that it was given.
  bool has_taken_all() const;
  // Whether its start says nothing about its end: it was ready and answered a request, died of one,
  // or lived a while.
  bool proved_itself() const { return proved_itself_; }
  // How many requests it has answered.
  std::uint64_t served() const { return served_; }
  // Whether it has had as many requests as it is for.
  bool has_served_enough() const { return lifespan_.requests > 0 && served_ >= lifespan_.requests; }
  // Whether it has had its time, and should be replaced when it can be.
  bool worn_out() const;
  WorkerStatus status() const;
  void look_at_usage();
  // Standalone, handlers or tasks; empty before it is ready.
  const std::string& lambda_type() const { return lambda_type_; }
  // How it ended, for people. Precondition: it is gone.
  const std::string& end_text() const { return end_text_; }

  void dispatch(std::unique_ptr<Invocation> invocation);

  // Takes no more requests, and stops when it has answered those it has.
  void retire();
  // Tells the lambda to shut down; kills it when that takes longer than pool.shutdown_timeout.
  void stop();
  void kill();

  // The client of `connection` has left: its request, if it is here, is cancelled. Returns when to
  // look again.
  uv::TimePoint abandon(ConnectionId connection);
  // The client has taken that much of a stream. False when the stream is not here.
  bool give_credit(std::uint64_t stream, std::size_t bytes);
  // Answers all requests it holds.
  void fail_all(const Failure& failure);
  void set_log_level(std::string_view level);
  // Its stacks while it runs, within the limit; see stack_taker.h. `done` may be called at once.
  void take_stacks(Milliseconds limit, std::function<void(WorkerStacks)> done);
  // Warns once when its event loop is blocked for longer than block_warning. False: it has nothing
  // to do, so there is nothing to watch.
  bool watch_loop(uv::TimePoint now);
  // Answers requests whose time is over, cancels them, and deals with cancellations that are
  // ignored. Returns when to look again.
  uv::TimePoint check_deadlines(uv::TimePoint now);

 private:
  WorkerProcess(uv::Loop& loop, Log& log, const WorkerSettings& settings, std::uint32_t number,
                std::uint64_t& dispatched, WorkerEvents& events);

  void on_message(const protocol::Up& message) override;
  void on_protocol_error(std::string_view what) override;
  void on_channel_closed() override;

  void on_ready(const protocol::Ready& ready);
  void on_start_failed(const protocol::StartFailed& failed);
  RequestSlots::Slot* slot_to_answer(std::uint64_t id);
  void on_response(const protocol::Response& response);
  void on_failure(const protocol::Failure& told);
  void on_stream_head(const protocol::StreamHead& head);
  void on_stream_chunk(const protocol::StreamChunk& chunk);
  void on_stream_end(const protocol::StreamEnd& end);
  void release(RequestSlots::Slot& slot);
  void on_started(int pid);
  void on_exited(std::int64_t status, int signal);
  void on_start_timeout();
  void send_start();
  void after(Milliseconds delay, std::function<void()> action);
  // `deadline` is when a loop that cannot hear it has had its time.
  void cancel(RequestSlots::Slot& slot, std::string_view reason, uv::TimePoint deadline);
  bool took(std::uint64_t frame) const;
  bool is_blocked_by_another(std::uint64_t id) const;
  bool stands_still() const;
  void end_stuck_loop();
  // What the event loop does since when, if it is not just waiting.
  struct Block {
    std::uint64_t request;  // Whose code; 0 for code of nobody.
    uv::TimePoint since;
    bool operator==(const Block&) const = default;
  };
  std::optional<Block> occupation(uv::TimePoint now) const;
  void warn_of_block(const Block& block);
  void block_ended(uv::TimePoint now);
  bool clients_wait() const;
  void stop_when_retired();
  void log_lines(std::string_view message, std::string_view text);
  void become_gone();
  Departure depart(const std::string& sentence, WorkerDeath& death);
  WorkerDeath death(const std::string& sentence, const std::string& report) const;
  void log_output(std::string_view stream, std::string_view text);

  uv::Loop& loop_;
  Log& log_;
  const WorkerSettings settings_;
  std::uint32_t number_;
  WorkerEvents& events_;

  WorkerState state_ = WorkerState::kStarting;
  GoneCause cause_ = GoneCause::kCrashed;
  std::string start_error_;
  StartStage failed_stage_ = StartStage::kLater;
  ExitStatus exit_status_;
  const Lifespan lifespan_;
  std::uint64_t served_ = 0;
  bool exited_ = false;
  bool channel_closed_ = false;
  bool was_ready_ = false;
  bool proved_itself_ = false;
  bool spoiled_ = false;
  bool aborting_ = false;
  bool killed_ = false;
  bool out_of_memory_ = false;
  // How far its loop had come when that last changed, and when it was.
  mutable std::uint64_t progress_ = 0;
  mutable uv::TimePoint progressed_;

  std::optional<Block> block_;  // That was warned of and goes on.

  RequestSlots slots_;
  std::unique_ptr<VitalsPage> vitals_;
  std::unique_ptr<CrashReport> crash_report_;
  std::unique_ptr<WorkerChannel> channel_;
  std::unique_ptr<AnswerMemory> answer_memory_;
  std::unique_ptr<OutputPipe> stdout_;
  std::unique_ptr<OutputPipe> stderr_;
  std::unique_ptr<uv::ChildProcess> process_;
  int pid_ = 0;
  std::unique_ptr<StackTaker> stacks_;
  std::function<void()> timer_action_;
  uv::Timer timer_;
  // The time of day can be set; what is measured goes by the other clock.
  std::chrono::system_clock::time_point spawned_ = std::chrono::system_clock::now();
  std::chrono::steady_clock::time_point made_ = std::chrono::steady_clock::now();
  std::string end_text_;
  std::string start_traceback_;
  std::optional<ProcessMemory> memory_;  // As it was last looked at.
  std::string lambda_type_;
  uv::TimePoint started_;  // Since when it is in its state: starting, or ready.
};

}  // namespace lambdapool::supervisor
