#include "supervisor/pool/worker_pool.h"

#include <algorithm>
#include <utility>

#include "supervisor/uv/process_memory.h"

namespace lambdapool::supervisor {
namespace {

// While requests wait, how often to see whether a worker that stood still takes them now.
constexpr Milliseconds kQueueLook{100};
// How many workers are started in one turn of the loop, and how long it then has for other things.
constexpr std::uint32_t kStartsAtATime = 8;
constexpr Milliseconds kStartsPause{50};
// How often what workers take is looked at, for the files of their crashes, and of how many.
constexpr Milliseconds kUsageLook{1'000};
constexpr std::size_t kMostUsageLooks = 32;
// How often the age and the memory of workers are looked at, where they are limited.
constexpr Milliseconds kWornOutLook{1'000};
// More deaths than these within the window are no worse.
constexpr std::size_t kMostDeaths = 100'000;

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
      launcher_(loop, log),
      queue_(settings_.pool.queue_length),
      quarantine_(settings_.quarantine),
      oom_kills_(oom_counter_.kills()),
      spares_(loop, settings_.pool,
              [this]() -> std::unique_ptr<WorkerProcess> {
                auto worker = spawn(settings_);
                if (worker) return std::move(*worker);
                log_.error("spare worker cannot be started", {{"text", worker.error()}});
                return nullptr;
              }),
      next_timer_(loop, [this] { start_next(); }),
      worn_out_timer_(loop, [this] { look_for_worn_out(); }),
      usage_timer_(loop, [this] { look_at_usage(); }),
      deadline_timer_(loop, [this] { check_deadlines(); }),
      watch_timer_(loop, [this] { watch_loops(); }) {}

void WorkerPool::start() {
  while (seats_.size() < settings_.pool.workers) add_seat();
  for (auto& seat : seats_) start_worker(*seat);
  watch_worn_out();
  usage_timer_.start(kUsageLook);
}

// A few workers a turn, so that a large pool does not hold up the loop.
void WorkerPool::look_at_usage() {
  std::vector<WorkerProcess*> workers;
  for_each_worker([&](WorkerProcess& worker) { workers.push_back(&worker); });
  for (std::size_t i = 0; i < std::min(workers.size(), kMostUsageLooks); ++i) {
    workers[next_usage_++ % workers.size()]->look_at_usage();
  }
  if (!stopping_) usage_timer_.start(kUsageLook);
}

// The lowest that no worker has: a number is one worker's as long as it lives.
std::uint32_t WorkerPool::free_number() const {
  std::vector<std::uint32_t> taken;
  const auto take = [&](const WorkerProcess& worker) { taken.push_back(worker.number()); };
  for (const auto& seat : seats_) {
    if (seat->worker != nullptr) take(*seat->worker);
    if (seat->next != nullptr) take(*seat->next);
  }
  for (const auto& worker : retiring_) take(*worker);
  spares_.for_each(take);
  std::ranges::sort(taken);
  std::uint32_t number = 1;
  for (const std::uint32_t each : taken) number += each == number ? 1 : 0;
  return number;
}

std::expected<std::unique_ptr<WorkerProcess>, std::string> WorkerPool::spawn(
    const WorkerSettings& settings) {
  auto worker =
      WorkerProcess::spawn(loop_, log_, launcher_, settings, free_number(), dispatched_, *this);
  if (worker) events_.on_pool_worker_started();
  return worker;
}

// A few at a time: each start takes the loop some time, and the machine more.
void WorkerPool::start_by_and_by(std::uint32_t more) {
  for (std::uint32_t i = 0; i < more; ++i) {
    Seat& seat = add_seat();
    const auto turn = i / kStartsAtATime;
    if (turn == 0) {
      start_worker(seat);
    } else {
      seat.restart.start(kStartsPause * turn);
    }
  }
}

WorkerPool::Seat& WorkerPool::add_seat() {
  const auto number = static_cast<std::uint32_t>(seats_.size()) + 1;
  seats_.push_back(std::make_unique<Seat>(loop_, number, settings_.pool,
                                          [this, number] { start_worker(*seats_[number - 1]); }));
  return *seats_.back();
}

void WorkerPool::start_worker(Seat& seat) {
  auto worker = spawn(settings_);
  if (worker) {
    seat.worker = std::move(*worker);
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
  if (const auto isolated = quarantine_.find(*invocation, now)) {
    return fail(
        std::move(invocation),
        make_failure(FailureKind::kQuarantined,
                     "this request has ended " + std::to_string(isolated->deaths) +
                         " workers and is not run again for " +
                         std::to_string(isolated->left.count() / 1000) + " s (quarantine.ttl)"));
  }
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

bool WorkerPool::offer(std::size_t most, const std::function<std::unique_ptr<Invocation>()>& make) {
  // What clients wait for goes first.
  if (stopping_ || !queue_.empty()) return false;
  WorkerProcess* best = nullptr;
  for (const auto& seat : seats_) {
    WorkerProcess* worker = seat->worker.get();
    if (worker == nullptr || !worker->accepts() || !worker->has_taken_all()) continue;
    if (worker->own_calls() >= most) continue;
    if (best == nullptr || worker->outstanding() < best->outstanding()) best = worker;
  }
  if (best == nullptr) return false;
  auto invocation = make();
  look_again(invocation->received() + settings_.pool.request_timeout);
  best->dispatch(std::move(invocation));
  return true;
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
  start_by_and_by(workers - std::min(workers, seats()));
  while (seats_.size() > workers) {
    Seat& last = *seats_.back();
    retire(last);
    if (last.next != nullptr) retire(std::move(last.next));
    seats_.pop_back();
    if (reload_ != nullptr) next_timer_.start(Milliseconds{0});
  }
}

void WorkerPool::set_log_level(std::string_view level) {
  settings_.log_level = level;
  if (reload_ != nullptr) reload_->settings.log_level = level;
  for_each_worker([level](WorkerProcess& worker) { worker.set_log_level(level); });
}

void WorkerPool::retire(Seat& seat) {
  seat.restart.stop();
  if (seat.worker != nullptr) retire(std::move(seat.worker));
}

void WorkerPool::retire(std::unique_ptr<WorkerProcess> worker) {
  retiring_.push_back(std::move(worker));
  retiring_.back()->retire();
}

void WorkerPool::retire_spares() {
  for (auto& spare : spares_.give_up()) retire(std::move(spare));
}

// After the seats: what serves comes first.
void WorkerPool::fill_spares() {
  const bool seats_are_ready = std::ranges::all_of(seats_, [](const auto& seat) {
    return seat->worker != nullptr && seat->worker->state() == WorkerState::kReady;
  });
  if (seats_are_ready && !stopping_) spares_.fill();
}

bool WorkerPool::seat_spare(Seat& seat) {
  auto spare = spares_.take();
  if (spare == nullptr) return false;
  log_.info("a spare worker takes over", {{"worker", spare->number()}, {"pid", spare->pid()}});
  seat.worker = std::move(spare);
  fill_spares();
  return true;
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
  spares_.close();
  for_each_worker([](WorkerProcess& worker) { worker.stop(); });
  launcher_.end();
  report_if_stopped();
}

void WorkerPool::kill() {
  stopping_ = true;
  fail_all(make_failure(FailureKind::kDraining, "the server was told to stop at once"));
  for (auto& seat : seats_) seat->restart.stop();
  spares_.close();
  for_each_worker([](WorkerProcess& worker) { worker.kill(); });
  launcher_.end();
  report_if_stopped();
}

void WorkerPool::note_exit(const WorkerProcess& worker, GoneCause cause) {
  ++exits_[cause];
  const auto now = std::chrono::steady_clock::now();
  while (!deaths_.empty() && deaths_.front() < now - kDeathWindow) deaths_.pop_front();
  if (cause != GoneCause::kStopped && deaths_.size() < kMostDeaths) deaths_.push_back(now);
  Seat* seat = seat_of(worker);
  if (seat == nullptr) return;
  ++seat->exits[cause];
  seat->last_exit = LastExit{cause, worker.end_text(), std::chrono::system_clock::now()};
}

void WorkerPool::on_worker_ready(WorkerProcess& worker) {
  // Before those are told who look at it.
  lambda_type_ = worker.lambda_type();
  if (Seat* seat = seat_before(worker)) on_next_ready(*seat);
  if (!ever_ready_) {
    ever_ready_ = true;
    events_.on_pool_ready();
    if (reload_ != nullptr) finish_reload({});
  }
  fill_spares();
  dispatch_queue();
}

void WorkerPool::on_worker_start_failed(WorkerProcess& worker, StartStage stage,
                                        std::string_view text) {
  if (seat_before(worker) != nullptr) {
    if (reload_ != nullptr) reload_->error = text;
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

std::string WorkerPool::crash_path(const WorkerDeath& death) { return events_.crash_path(death); }

void WorkerPool::on_worker_died(const WorkerDeath& death) { events_.on_pool_worker_died(death); }

void WorkerPool::on_worker_free(WorkerProcess& worker) {
  if (worker.has_served_enough()) start_next();
  dispatch_queue();
}

void WorkerPool::on_worker_spoiled(WorkerProcess& worker) {
  Seat* seat = seat_of(worker);
  if (seat == nullptr || stopping_) return;
  retire(*seat);
  if (!seat_spare(*seat)) start_worker(*seat);
}

void WorkerPool::on_worker_gone(WorkerProcess& worker, Departure departure) {
  note_exit(worker, departure.cause);
  events_.on_pool_worker_gone(departure.cause);
  const auto now = std::chrono::steady_clock::now();
  if (departure.culprit && quarantine_.killed(*departure.culprit, departure.culprit_id, now)) {
    log_.error("a request is quarantined: it ends every worker that runs it",
               {{"request_id", departure.culprit_id},
                {"method", departure.culprit->method},
                {"target", departure.culprit->target},
                {"body_bytes", departure.culprit->body_bytes},
                {"ttl_ms", settings_.quarantine.ttl.count()}});
  }
  // What is isolated now may have come back as well.
  for (auto request = departure.returned.rbegin(); request != departure.returned.rend();
       ++request) {
    queue_.put_back(std::move(*request), now);
  }
  if (!departure.returned.empty()) look_again(now + settings_.pool.queue_timeout);

  if (Seat* seat = seat_of(worker)) {
    if (worker.proved_itself()) seat->policy.worker_proved_itself();
    loop_.retire(std::move(seat->worker));
    if (!stopping_ && !(worker.proved_itself() && seat_spare(*seat))) start_again(*seat);
  } else if (Seat* before = seat_before(worker)) {
    on_next_gone(*before);
  } else if (auto spare = spares_.remove(worker)) {
    loop_.retire(std::move(spare));
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

bool WorkerPool::ran_out_of_memory() {
  const auto before = std::exchange(oom_kills_, oom_counter_.kills());
  return before && oom_kills_ && *oom_kills_ > *before;
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
    take_over(reload_->settings);
    for (auto& seat : seats_) seat->start_failed = false;
    for (auto& seat : seats_) {
      if (seat->worker == nullptr && reload_ != nullptr) start_worker(*seat);
    }
    return;
  }
  next_timer_.stop();
  start_next();
}

void WorkerPool::take_over(const WorkerSettings& settings) {
  settings_ = settings;
  queue_.set_length(settings_.pool.queue_length);
  quarantine_.configure(settings_.quarantine);
  spares_.want(settings_.pool.standby);
  watch_worn_out();
}

void WorkerPool::watch_worn_out() {
  if (settings_.pool.max_lifetime.count() > 0 || settings_.pool.max_rss > 0)
    worn_out_timer_.start(kWornOutLook);
}

void WorkerPool::start_next() {
  const bool under_way =
      std::ranges::any_of(seats_, [](const auto& seat) { return seat->next != nullptr; });
  if (stopping_ || under_way || next_timer_.active()) return;
  Seat* seat = find_old_seat();
  if (seat == nullptr) {
    if (reload_ != nullptr) finish_reload({});
    return;
  }
  auto worker = spawn(reload_ != nullptr ? reload_->settings : settings_);
  if (worker) {
    seat->next = std::move(*worker);
    return;
  }
  const std::string error = "cannot start a worker: " + worker.error();
  if (reload_ != nullptr) reload_->error = error;
  log_.error("worker cannot be replaced yet", {{"worker", seat->number}, {"text", error}});
  on_next_gone(*seat);
}

bool WorkerPool::is_of_reload(const WorkerProcess& worker) const {
  return reload_ != nullptr && worker.generation() == reload_->settings.generation;
}

WorkerPool::Seat* WorkerPool::find_old_seat() {
  const auto found = std::ranges::find_if(seats_, [&](const auto& seat) {
    if (reload_ == nullptr) return seat->worker != nullptr && seat->worker->worn_out();
    return seat->worker == nullptr || !is_of_reload(*seat->worker);
  });
  return found == seats_.end() ? nullptr : found->get();
}

void WorkerPool::look_for_worn_out() {
  if (stopping_) return;
  start_next();
  watch_worn_out();
}

void WorkerPool::on_next_ready(Seat& seat) {
  const bool is_new = is_of_reload(*seat.next);
  if (is_new && !reload_->committed) {
    reload_->committed = true;
    take_over(reload_->settings);
    retire_spares();
  }
  if (!is_new && seat.worker != nullptr) {
    log_.info("worker has had its time and is replaced",
              {{"worker", seat.worker->number()},
               {"pid", seat.worker->pid()},
               {"served", seat.worker->served()},
               {"rss", uv::resident_bytes(seat.worker->pid())}});
  }
  retire(seat);
  seat.worker = std::move(seat.next);
  start_next();
}

void WorkerPool::on_next_gone(Seat& seat) {
  const bool is_new = reload_ != nullptr && (seat.next == nullptr || is_of_reload(*seat.next));
  if (seat.next != nullptr) loop_.retire(std::move(seat.next));
  if (stopping_) return;
  if (is_new && !reload_->committed) {
    const std::string error = reload_->error;
    return finish_reload(std::unexpected(error.empty() ? "the new worker died" : error));
  }
  // The lambda can start, as others have shown; meanwhile the old worker serves on.
  next_timer_.start(settings_.pool.restart_backoff_max);
}

void WorkerPool::finish_reload(std::expected<void, std::string> result) {
  next_timer_.stop();
  launcher_.keep_only(settings_.generation);
  const auto finished = std::move(reload_);
  finished->done(std::move(result));
}

void WorkerPool::report_if_stopped() {
  const bool empty =
      retiring_.empty() && spares_.empty() &&
      std::ranges::all_of(seats_, [](const auto& seat) { return !seat->worker && !seat->next; });
  if (!empty || stopped_) return;
  stopped_ = true;
  deadline_timer_.stop();
  next_timer_.stop();
  worn_out_timer_.stop();
  watch_timer_.stop();
  usage_timer_.stop();
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

std::vector<QuarantineEntry> WorkerPool::quarantined() const {
  return quarantine_.list(std::chrono::steady_clock::now());
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
  figures.spares = spares_.ready();
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
  // Two have one number while one replaces the other.
  std::ranges::sort(whole.taken, {},
                    [](const WorkerStacks& each) { return std::pair(each.worker, each.pid); });
  whole.done(std::move(whole.taken));
}

// A visit may move a worker from its seat to the retiring ones, which are visited after all seats.
template <class Visit>
void WorkerPool::for_each_worker(Visit visit) {
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    if (WorkerProcess* worker = seats_[i]->worker.get()) visit(*worker);
    if (WorkerProcess* next = seats_[i]->next.get()) visit(*next);
  }
  spares_.for_each(visit);
  for (std::size_t i = 0; i < retiring_.size(); ++i) visit(*retiring_[i]);
}

}  // namespace lambdapool::supervisor
