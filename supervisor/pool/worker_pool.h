// The workers of one lambda and the requests that wait for them.
//
// A pool has a number of seats; in each sits a worker, or one is about to be started. Spares are
// started and wait for a seat to become free. Workers that have been replaced or scaled away stay
// on a list of their own until they are gone. Invariants: a request is in the queue, in one
// worker's slot, or answered; the queue is not empty only while no worker accepts a request. The
// pool never waits for anything: starts and restarts happen from timers and events.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/pool/oom_counter.h"
#include "supervisor/pool/quarantine.h"
#include "supervisor/pool/request_queue.h"
#include "supervisor/pool/restart_policy.h"
#include "supervisor/pool/spares.h"
#include "supervisor/pool/worker_launcher.h"
#include "supervisor/pool/worker_process.h"

namespace lambdapool::supervisor {

// What says whether a pool can take requests.
struct PoolHealth {
  bool ever_ready = false;
  std::size_t seats = 0;
  std::size_t ready = 0;    // Seats whose worker takes requests.
  std::size_t waiting = 0;  // Seats whose worker died and whose next start waits.
  std::size_t deaths = 0;   // Of workers that were not told to stop, within kDeathWindow.
  std::chrono::nanoseconds oldest_queued{0};
};
inline constexpr std::chrono::seconds kDeathWindow{60};

// What a pool is doing, for people and metrics.
struct PoolFigures {
  std::map<WorkerState, std::size_t> workers;  // How many are in each state.
  std::size_t queued = 0;
  std::chrono::nanoseconds oldest_queued{0};  // For how long the oldest of them waits.
  std::size_t in_flight = 0;
  std::size_t spares = 0;  // Ready, without requests; not among `workers`.
};

class PoolEvents {
 public:
  // The first worker is ready.
  virtual void on_pool_ready() = 0;
  // No worker has ever been ready and every one has failed to start. `text` is one line for people.
  virtual void on_pool_failed(const std::string& text) = 0;
  // After stop or kill: no worker is left.
  virtual void on_pool_stopped() = 0;
  virtual void on_pool_worker_started() = 0;
  virtual void on_pool_worker_gone(GoneCause cause) = 0;
  // A worker's event loop was found to be blocked; and later, that it goes on or is gone.
  virtual void on_pool_loop_blocked() {}
  virtual void on_pool_loop_unblocked(std::chrono::nanoseconds /*blocked*/) {}
  // Where the file about the death will be, for the log; empty: nowhere.
  virtual std::string crash_path(const WorkerDeath&) { return {}; }
  // Follows, with all that is known of a worker that was not told to stop.
  virtual void on_pool_worker_died(const WorkerDeath&) {}
  // Something changed in one of the lambda's own metrics, in the worker of that number.
  virtual void on_pool_metric(std::uint32_t worker, const protocol::Metric& metric) = 0;

 protected:
  ~PoolEvents() = default;
};

class WorkerPool final : private WorkerEvents {
 public:
  WorkerPool(uv::Loop& loop, Log& log, WorkerSettings settings, PoolEvents& events);

  void start();

  // Sends the request to a worker, now or later, or answers why not.
  void submit(std::unique_ptr<Invocation> invocation);
  // For calls of the supervisor's own, which can wait where they are: gives what `make` makes to a
  // worker that can take it at once, whose loop is not behind, and that runs fewer than `most` of
  // them. False: there is none now.
  bool offer(std::size_t most, const std::function<std::unique_ptr<Invocation>()>& make);
  // The client of `connection` has left.
  void abandon(ConnectionId connection);
  // A client has taken that much of a stream.
  void give_credit(std::uint64_t stream, std::size_t bytes);

  PoolFigures figures() const;
  PoolStatus status();
  PoolHealth health() const;
  // For the workers that run and those that are started from now on.
  void set_log_level(std::string_view level);
  // What the lambda is, as the last worker that became ready says; empty before.
  const std::string& lambda_type() const { return lambda_type_; }
  std::uint32_t seats() const { return static_cast<std::uint32_t>(seats_.size()); }
  // Precondition: workers > 0.
  void scale(std::uint32_t workers);

  // Replaces all workers by ones with other settings, seat by seat: each new worker is ready before
  // the old one is retired. When the first new one does not start, everything stays as it was and
  // `done` is told why. Precondition: not reloading.
  using Reloaded = std::function<void(std::expected<void, std::string>)>;
  void reload(WorkerSettings settings, Reloaded done);
  bool reloading() const { return reload_ != nullptr; }

  // Requests that have killed workers, isolated or on the way to it.
  std::vector<QuarantineEntry> quarantined() const;
  // Forgets them; says how many were isolated.
  std::size_t clear_quarantine() { return quarantine_.clear(); }

  // The stacks of every worker, also of those that are stuck. `done` is called once, within the
  // limit or soon after it, at once when there are no workers.
  void take_stacks(Milliseconds limit, std::function<void(std::vector<WorkerStacks>)> done);

  // Answers every request that has none yet.
  void fail_all(const Failure& failure);
  // Shuts all workers down; on_pool_stopped follows.
  void stop();
  // Ends all workers at once; on_pool_stopped follows.
  void kill();

 private:
  struct Seat {
    Seat(uv::Loop& loop, std::uint32_t seat_number, const PoolConfig& config,
         std::function<void()> start);
    std::uint32_t number;
    RestartPolicy policy;
    uv::Timer restart;
    std::optional<LastExit> last_exit;
    std::map<GoneCause, std::uint64_t> exits;
    bool start_failed = false;  // Since the pool or its settings were new.
    std::unique_ptr<WorkerProcess> worker;
    std::unique_ptr<WorkerProcess> next;  // Who takes the seat when it is ready.
  };
  // Stacks that are being taken.
  struct Taking {
    std::size_t missing = 0;
    std::vector<WorkerStacks> taken;
    std::function<void(std::vector<WorkerStacks>)> done;
  };
  struct Reload {
    WorkerSettings settings;
    Reloaded done;
    std::string error;
    bool committed = false;  // One new worker has been ready: there is no way back.
  };

  void on_worker_ready(WorkerProcess& worker) override;
  void on_worker_start_failed(WorkerProcess& worker, StartStage stage,
                              std::string_view text) override;
  void on_worker_metric(WorkerProcess& worker, const protocol::Metric& metric) override;
  void on_worker_blocked() override;
  void on_worker_unblocked(std::chrono::nanoseconds blocked) override;
  void on_worker_free(WorkerProcess& worker) override;
  void on_worker_spoiled(WorkerProcess& worker) override;
  void on_worker_gone(WorkerProcess& worker, Departure departure) override;
  bool ran_out_of_memory() override;
  std::string crash_path(const WorkerDeath& death) override;
  void on_worker_died(const WorkerDeath& death) override;

  std::uint32_t free_number() const;
  std::expected<std::unique_ptr<WorkerProcess>, std::string> spawn(const WorkerSettings& settings);
  void note_exit(const WorkerProcess& worker, GoneCause cause);
  Seat& add_seat();
  void start_by_and_by(std::uint32_t more);
  void start_worker(Seat& seat);
  // After a death or a start that failed.
  void start_again(Seat& seat);
  // Lets the worker finish what it has.
  void retire(std::unique_ptr<WorkerProcess> worker);
  void retire(Seat& seat);
  void retire_spares();
  void fill_spares();
  // Lets a spare take the seat, which is empty. Says whether there was one.
  bool seat_spare(Seat& seat);
  Seat* seat_of(const WorkerProcess& worker);
  Seat* seat_before(const WorkerProcess& next);
  // During a reload, and for workers that have had their time: starts the worker that is to take
  // the next seat, one at a time.
  void start_next();
  Seat* find_old_seat();
  bool is_of_reload(const WorkerProcess& worker) const;
  void look_for_worn_out();
  void watch_worn_out();
  void take_over(const WorkerSettings& settings);
  void look_at_usage();
  void on_next_ready(Seat& seat);
  void on_next_gone(Seat& seat);
  void finish_reload(std::expected<void, std::string> result);
  WorkerProcess* most_idle();
  void dispatch_queue();
  void look_again(uv::TimePoint when);
  void check_deadlines();
  // Looks for event loops that are blocked, as long as there are requests.
  void watch_loops();
  void keep_watching();
  void report_if_stopped();
  void on_stacks(std::uint64_t taking, WorkerStacks stacks);
  Failure no_worker() const;
  template <class Visit>
  void for_each_worker(Visit visit);

  uv::Loop& loop_;
  Log& log_;
  WorkerSettings settings_;
  PoolEvents& events_;

  WorkerLauncher launcher_;  // Outlives the workers.
  RequestQueue queue_;
  Quarantine quarantine_;
  OomCounter oom_counter_ = OomCounter::of_this_process();
  std::optional<std::uint64_t> oom_kills_;
  std::uint64_t dispatched_ = 0;  // Requests, since the start.
  std::vector<std::unique_ptr<Seat>> seats_;
  Spares spares_;
  std::vector<std::unique_ptr<WorkerProcess>> retiring_;
  std::size_t next_seat_ = 0;  // Where the search for the most idle worker begins.
  std::string lambda_type_;    // As the last worker that became ready said.
  std::map<GoneCause, std::uint64_t> exits_;
  std::deque<uv::TimePoint> deaths_;  // Of the last kDeathWindow, the oldest first.
  std::string last_start_error_;
  StartStage last_failed_stage_ = StartStage::kLater;
  bool ever_ready_ = false;
  bool stopping_ = false;
  bool stopped_ = false;
  std::unique_ptr<Reload> reload_;
  uv::Timer next_timer_;
  uv::Timer worn_out_timer_;
  std::map<std::uint64_t, Taking> takings_;
  std::uint64_t last_taking_ = 0;
  uv::Timer usage_timer_;
  std::size_t next_usage_ = 0;  // Whose usage is looked at next.
  uv::TimePoint looks_at_ = uv::TimePoint::max();
  uv::Timer deadline_timer_;
  uv::Timer watch_timer_;
};

}  // namespace lambdapool::supervisor
