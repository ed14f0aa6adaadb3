#include "supervisor/pool/worker_pool.h"

#include <algorithm>

namespace lambdapool::supervisor {
namespace {

// While requests wait, how often to see whether a worker that stood still takes them now.
constexpr Milliseconds kQueueLook{100};

// How often to look for event loops that are blocked.
constexpr Milliseconds kWatchOftenest{20};
constexpr Milliseconds kWatchRarest{250};
constexpr int kWatchesPerWarning = 4;

}  // namespace

WorkerPool::Seat::Seat(uv::Loop& loop, std::uint32_t seat_number, const PoolConfig& config,
                       std::function<void()> start)
    : number(seat_number),
      policy(config.restart_backoff, config.restart_backoff_max, std::random_device{}()),
      restart(loop, std::move(start)) {}

WorkerPool::WorkerPool(uv::Loop& loop, Log& log, WorkerSettings settings, PoolEvents& events)
    : loop_(loop),
      log_(log),
      settings_(std::move(settings)),
      events_(events),
      queue_(settings_.pool.queue_length),
      reload_timer_(loop, [this] { start_next(); }),
      deadline_timer_(loop, [this] { check_deadlines(); }),
      watch_timer_(loop, [this] { watch_loops(); }) {}

void WorkerPool::start() {
  while (seats_.size() < settings_.pool.workers) add_seat();
  for (auto& seat : seats_) start_worker(*seat);
}

WorkerPool::Seat& WorkerPool::add_seat() {
  const auto number = static_cast<std::uint32_t>(seats_.size()) + 1;
  seats_.push_back(std::make_unique<Seat>(loop_, number, settings_.pool,
                                          [this, number] { start_worker(*seats_[number - 1]); }));
  return *seats_.back();
}

void WorkerPool::start_worker(Seat& seat) {
  auto worker = WorkerProcess::spawn(loop_, log_, settings_, seat.number, dispatched_, *this);
  if (worker) {
    seat.worker = std::move(*worker);
    events_.on_pool_worker_started();
    return;
  }
  last_start_error_ = "cannot start a worker: " + worker.error();
  log_.error("worker cannot be started", {{"worker", seat.number}, {"text", worker.error()}});
  seat.start_failed = true;
  start_again(seat);
}

void WorkerPool::start_again(Seat& seat) {
  if (!ever_ready_ &&
      std::ranges::all_of(seats_, [](const auto& each) { return each->start_failed; })) {
    for (auto& each : seats_) each->restart.stop();
    if (reload_ != nullptr) return finish_reload(std::unexpected(last_start_error_));
    return events_.on_pool_failed(last_start_error_);
  }
  const auto delay = seat.policy.delay_after_death();
  if (delay.count() > 0) {
    log_.warning("worker fails again and again, the next start waits",
                 {{"worker", seat.number},
                  {"delay_ms", delay.count()},
                  {"failures", seat.policy.failures_in_a_row()}});
  }
  seat.restart.start(delay);
}

WorkerProcess* WorkerPool::most_idle() {
  WorkerProcess* best = nullptr;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    WorkerProcess* worker = seats_[(next_seat_ + i) % seats_.size()]->worker.get();
    if (worker == nullptr || !worker->accepts()) continue;
    if (best == nullptr || worker->outstanding() < best->outstanding()) best = worker;
  }
  ++next_seat_;
  return best;
}

void WorkerPool::submit(std::unique_ptr<Invocation> invocation) {
  if (stopping_)
    return fail(std::move(invocation),
                make_failure(FailureKind::kDraining, "the server is stopping"));
  const auto now = invocation->received();
  look_again(now + settings_.pool.request_timeout);
  keep_watching();
  if (queue_.empty()) {
    if (WorkerProcess* worker = most_idle()) return worker->dispatch(std::move(invocation));
  }
  if (queue_.full()) {
    return fail(
        std::move(invocation),
        make_failure(FailureKind::kQueueFull,
                     std::to_string(queue_.size()) + " requests wait already (pool.queue_length)"));
  }
  queue_.push(std::move(invocation), now);
  look_again(now + std::min(settings_.pool.queue_timeout, kQueueLook));
}

void WorkerPool::dispatch_queue() {
  while (!queue_.empty()) {
    WorkerProcess* worker = most_idle();
    if (worker == nullptr) return;
    worker->dispatch(queue_.pop());
  }
}

void WorkerPool::abandon(ConnectionId connection) {
  auto left = queue_.take_if([connection](const Invocation& invocation, uv::TimePoint) {
    return invocation.connection() == connection;
  });
  for (auto& invocation : left) supervisor::abandon(std::move(invocation));
  if (!left.empty()) return;
  for_each_worker([&](WorkerProcess& worker) { look_again(worker.abandon(connection)); });
}

void WorkerPool::give_credit(std::uint64_t stream, std::size_t bytes) {
  bool found = false;
  for_each_worker(
      [&](WorkerProcess& worker) { found = found || worker.give_credit(stream, bytes); });
}

void WorkerPool::scale(std::uint32_t workers) {
  if (stopping_) return;
  log_.info("scaling", {{"from", seats()}, {"to", workers}});
  while (seats_.size() < workers) start_worker(add_seat());
  while (seats_.size() > workers) {
    Seat& last = *seats_.back();
    retire(last);
    if (last.next != nullptr) {
      retiring_.push_back(std::move(last.next));
      retiring_.back()->retire();
    }
    seats_.pop_back();
    if (reload_ != nullptr) reload_timer_.start(Milliseconds{0});
  }
}

void WorkerPool::retire(Seat& seat) {
  seat.restart.stop();
  if (seat.worker == nullptr) return;
  retiring_.push_back(std::move(seat.worker));
  retiring_.back()->retire();
}

void WorkerPool::fail_all(const Failure& failure) {
  for (auto& invocation : queue_.take_if([](const Invocation&, uv::TimePoint) { return true; })) {
    fail(std::move(invocation), failure);
  }
  for_each_worker([&](WorkerProcess& worker) { worker.fail_all(failure); });
}

void WorkerPool::stop() {
  if (stopping_) return;
  stopping_ = true;
  fail_all(make_failure(FailureKind::kDraining, "the server is stopping"));
  for (auto& seat : seats_) seat->restart.stop();
  for_each_worker([](WorkerProcess& worker) { worker.stop(); });
  report_if_stopped();
}

void WorkerPool::kill() {
  stopping_ = true;
  fail_all(make_failure(FailureKind::kDraining, "the server was told to stop at once"));
  for (auto& seat : seats_) seat->restart.stop();
  for_each_worker([](WorkerProcess& worker) { worker.kill(); });
  report_if_stopped();
}

void WorkerPool::on_worker_ready(WorkerProcess& worker) {
  if (Seat* seat = seat_before(worker)) on_next_ready(*seat);
  if (!ever_ready_) {
    ever_ready_ = true;
    events_.on_pool_ready();
    if (reload_ != nullptr) finish_reload({});
  }
  dispatch_queue();
}

void WorkerPool::on_worker_start_failed(WorkerProcess& worker, StartStage stage,
                                        std::string_view text) {
  if (seat_before(worker) != nullptr) {
    reload_->error = text;
    return;
  }
  last_start_error_ = text;
  last_failed_stage_ = stage;
  if (Seat* seat = seat_of(worker)) seat->start_failed = true;
}

void WorkerPool::on_worker_metric(WorkerProcess& worker, const protocol::Metric& metric) {
  events_.on_pool_metric(worker.number(), metric);
}

void WorkerPool::on_worker_blocked() { events_.on_pool_loop_blocked(); }

void WorkerPool::on_worker_unblocked(std::chrono::nanoseconds blocked) {
  events_.on_pool_loop_unblocked(blocked);
}

void WorkerPool::on_worker_free(WorkerProcess&) { dispatch_queue(); }

void WorkerPool::on_worker_spoiled(WorkerProcess& worker) {
  Seat* seat = seat_of(worker);
  if (seat == nullptr || stopping_) return;
  retire(*seat);
  start_worker(*seat);
}

void WorkerPool::on_worker_gone(WorkerProcess& worker, GoneCause cause,
                                std::vector<std::unique_ptr<Invocation>> unbegun) {
  events_.on_pool_worker_gone(cause);
  const auto now = std::chrono::steady_clock::now();
  for (auto request = unbegun.rbegin(); request != unbegun.rend(); ++request) {
    queue_.put_back(std::move(*request), now);
  }
  if (!unbegun.empty()) look_again(now + settings_.pool.queue_timeout);

  if (Seat* seat = seat_of(worker)) {
    if (worker.proved_itself()) seat->policy.worker_proved_itself();
    loop_.retire(std::move(seat->worker));
    if (!stopping_) start_again(*seat);
  } else if (Seat* before = seat_before(worker)) {
    on_next_gone(*before);
  } else {
    const auto found =
        std::ranges::find_if(retiring_, [&](const auto& other) { return other.get() == &worker; });
    if (found != retiring_.end()) {
      loop_.retire(std::move(*found));
      retiring_.erase(found);
    }
  }
  if (stopping_) {
    fail_all(make_failure(FailureKind::kDraining, "the server is stopping"));
    return report_if_stopped();
  }
  dispatch_queue();
}

WorkerPool::Seat* WorkerPool::seat_of(const WorkerProcess& worker) {
  const auto found =
      std::ranges::find_if(seats_, [&](const auto& seat) { return seat->worker.get() == &worker; });
  return found == seats_.end() ? nullptr : found->get();
}

WorkerPool::Seat* WorkerPool::seat_before(const WorkerProcess& next) {
  const auto found =
      std::ranges::find_if(seats_, [&](const auto& seat) { return seat->next.get() == &next; });
  return found == seats_.end() ? nullptr : found->get();
}

void WorkerPool::reload(WorkerSettings settings, Reloaded done) {
  log_.info("reloading", {{"generation", settings.generation}});
  reload_ = std::make_unique<Reload>(std::move(settings), std::move(done));
  // A pool whose every start failed has nothing that could be kept.
  if (!ever_ready_) {
    settings_ = reload_->settings;
    for (auto& seat : seats_) seat->start_failed = false;
    for (auto& seat : seats_) {
      if (seat->worker == nullptr && reload_ != nullptr) start_worker(*seat);
    }
    return;
  }
  start_next();
}

void WorkerPool::start_next() {
  const bool under_way =
      std::ranges::any_of(seats_, [](const auto& seat) { return seat->next != nullptr; });
  if (reload_ == nullptr || stopping_ || under_way) return;
  const auto old = std::ranges::find_if(seats_, [&](const auto& seat) {
    return seat->worker == nullptr || seat->worker->generation() != reload_->settings.generation;
  });
  if (old == seats_.end()) return finish_reload({});
  Seat& seat = **old;
  auto worker =
      WorkerProcess::spawn(loop_, log_, reload_->settings, seat.number, dispatched_, *this);
  if (worker) {
    seat.next = std::move(*worker);
    events_.on_pool_worker_started();
    return;
  }
  reload_->error = "cannot start a worker: " + worker.error();
  on_next_gone(seat);
}

void WorkerPool::on_next_ready(Seat& seat) {
  if (!reload_->committed) {
    reload_->committed = true;
    settings_ = reload_->settings;
  }
  retire(seat);
  seat.worker = std::move(seat.next);
  start_next();
}

void WorkerPool::on_next_gone(Seat& seat) {
  if (seat.next != nullptr) loop_.retire(std::move(seat.next));
  if (reload_ == nullptr || stopping_) return;
  if (!reload_->committed) {
    const std::string error = reload_->error;
    return finish_reload(std::unexpected(error.empty() ? "the new worker died" : error));
  }
  // The lambda can start, as others have shown; meanwhile the old worker serves on.
  reload_timer_.start(settings_.pool.restart_backoff_max);
}

void WorkerPool::finish_reload(std::expected<void, std::string> result) {
  reload_timer_.stop();
  const auto finished = std::move(reload_);
  finished->done(std::move(result));
}

void WorkerPool::report_if_stopped() {
  const bool empty = retiring_.empty() && std::ranges::all_of(seats_, [](const auto& seat) {
                       return !seat->worker && !seat->next;
                     });
  if (!empty || stopped_) return;
  stopped_ = true;
  deadline_timer_.stop();
  watch_timer_.stop();
  events_.on_pool_stopped();
}

void WorkerPool::look_again(uv::TimePoint when) {
  if (when >= looks_at_) return;
  looks_at_ = when;
  deadline_timer_.start(std::chrono::ceil<Milliseconds>(
      std::max(when - std::chrono::steady_clock::now(), uv::TimePoint::duration{0})));
}

void WorkerPool::keep_watching() {
  if (watch_timer_.active() || stopped_ || settings_.block_warning == Milliseconds{0}) return;
  watch_timer_.start(
      std::clamp(settings_.block_warning / kWatchesPerWarning, kWatchOftenest, kWatchRarest));
}

void WorkerPool::watch_loops() {
  const auto now = std::chrono::steady_clock::now();
  bool again = !queue_.empty();
  for_each_worker([&](WorkerProcess& worker) { again = worker.watch_loop(now) || again; });
  if (again) keep_watching();
}

Failure WorkerPool::no_worker() const {
  if (last_start_error_.empty()) {
    return make_failure(FailureKind::kNoWorker, "no worker is ready; one is being started");
  }
  if (last_failed_stage_ == StartStage::kLoad) {
    return make_failure(FailureKind::kInvalidLambda, last_start_error_);
  }
  return make_failure(FailureKind::kNoWorker,
                      "no worker is ready; the last start failed: " + last_start_error_);
}

void WorkerPool::check_deadlines() {
  const auto now = std::chrono::steady_clock::now();
  looks_at_ = uv::TimePoint::max();
  auto next = uv::TimePoint::max();

  auto over = queue_.take_if([&](const Invocation& invocation, uv::TimePoint since) {
    const auto deadline = std::min(since + settings_.pool.queue_timeout,
                                   invocation.received() + settings_.pool.request_timeout);
    if (now >= deadline) return true;
    next = std::min(next, deadline);
    return false;
  });
  const bool any_ready = std::ranges::any_of(seats_, [](const auto& seat) {
    return seat->worker && seat->worker->state() == WorkerState::kReady;
  });
  const Failure failure =
      any_ready ? make_failure(FailureKind::kQueueTimeout,
                               "no worker was free within " +
                                   std::to_string(settings_.pool.queue_timeout.count()) +
                                   " ms (pool.queue_timeout)")
                : no_worker();
  for (auto& invocation : over) {
    fail(std::move(invocation), failure);
  }

  for_each_worker(
      [&](WorkerProcess& worker) { next = std::min(next, worker.check_deadlines(now)); });
  if (next != uv::TimePoint::max()) look_again(next);
  // A worker whose loop was blocked may have come back without a word.
  dispatch_queue();
  if (!queue_.empty()) look_again(now + kQueueLook);
}

PoolFigures WorkerPool::figures() const {
  PoolFigures figures;
  for (const WorkerState state : {WorkerState::kStarting, WorkerState::kReady,
                                  WorkerState::kRetiring, WorkerState::kStopping}) {
    figures.workers[state] = 0;
  }
  const auto count = [&](const WorkerProcess& worker) {
    ++figures.workers[worker.state()];
    figures.in_flight += worker.outstanding();
  };
  for (const auto& seat : seats_) {
    if (seat->worker != nullptr) count(*seat->worker);
    if (seat->next != nullptr) count(*seat->next);
  }
  for (const auto& worker : retiring_) count(*worker);
  figures.queued = queue_.size();
  if (!queue_.empty()) {
    figures.oldest_queued = std::chrono::steady_clock::now() - queue_.oldest_since();
  }
  return figures;
}

void WorkerPool::take_stacks(Milliseconds limit,
                             std::function<void(std::vector<WorkerStacks>)> done) {
  std::vector<WorkerProcess*> workers;
  for_each_worker([&](WorkerProcess& worker) { workers.push_back(&worker); });
  if (workers.empty()) return done({});
  const std::uint64_t id = ++last_taking_;
  takings_.emplace(id, Taking{workers.size(), {}, std::move(done)});
  for (WorkerProcess* worker : workers) {
    worker->take_stacks(limit,
                        [this, id](WorkerStacks stacks) { on_stacks(id, std::move(stacks)); });
  }
}

void WorkerPool::on_stacks(std::uint64_t taking, WorkerStacks stacks) {
  const auto found = takings_.find(taking);
  found->second.taken.push_back(std::move(stacks));
  if (--found->second.missing > 0) return;
  Taking whole = std::move(found->second);
  takings_.erase(found);
  std::ranges::stable_sort(whole.taken, {}, &WorkerStacks::worker);
  whole.done(std::move(whole.taken));
}

// A visit may move a worker from its seat to the retiring ones, which are visited after all seats.
template <class Visit>
void WorkerPool::for_each_worker(Visit visit) {
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    if (WorkerProcess* worker = seats_[i]->worker.get()) visit(*worker);
    if (WorkerProcess* next = seats_[i]->next.get()) visit(*next);
  }
  for (std::size_t i = 0; i < retiring_.size(); ++i) visit(*retiring_[i]);
}

}  // namespace lambdapool::supervisor
