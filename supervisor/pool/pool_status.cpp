#include "supervisor/pool/pool_status.h"

#include <algorithm>

#include "supervisor/pool/worker_pool.h"

namespace lambdapool::supervisor {

std::string_view to_string(WorkerState state) {
  switch (state) {
    case WorkerState::kStarting:
      return "starting";
    case WorkerState::kReady:
      return "ready";
    case WorkerState::kRetiring:
      return "retiring";
    case WorkerState::kStopping:
      return "stopping";
    case WorkerState::kGone:
      return "gone";
  }
  return "gone";
}

WorkerStatus WorkerProcess::status() const {
  const auto now = std::chrono::steady_clock::now();
  WorkerStatus status{.number = number_,
                      .pid = pid(),
                      .state = state_,
                      .generation = generation(),
                      .started = spawned_,
                      .age = now - made_,
                      .served = served_,
                      .in_flight = slots_.busy(),
                      .usage = process_usage(pid())};
  slots_.for_each_busy([&](const RequestSlots::Slot& slot) {
    const bool begun = vitals_->begun(RequestSlots::index(slot), slot.id);
    const auto since = slot.invocation != nullptr ? slot.invocation->received() : slot.dispatched;
    status.requests.push_back(
        {slot.invocation != nullptr ? slot.invocation->request_id() : "", now - since, begun});
  });
  std::ranges::sort(status.requests, std::ranges::greater{}, &RequestStatus::age);
  return status;
}

void WorkerProcess::look_at_usage() {
  // Of a process that has just ended nothing can be seen any more.
  if (auto memory = process_memory(pid())) memory_ = memory;
}

PoolStatus WorkerPool::status() {
  const PoolFigures now = figures();
  PoolStatus status{.queued = now.queued,
                    .queue_length = settings_.pool.queue_length,
                    .oldest_queued = now.oldest_queued,
                    .lambda_type = lambda_type_,
                    .exits = exits_};
  for (const auto& seat : seats_) {
    SeatStatus& of_seat = status.seats.emplace_back();
    of_seat.number = seat->number;
    if (seat->worker != nullptr) of_seat.worker = seat->worker->status();
    if (seat->next != nullptr) of_seat.next = seat->next->status();
    of_seat.last_exit = seat->last_exit;
    of_seat.exits = seat->exits;
  }
  spares_.for_each([&](WorkerProcess& worker) { status.spares.push_back(worker.status()); });
  for (const auto& worker : retiring_) status.retiring.push_back(worker->status());
  return status;
}

PoolHealth WorkerPool::health() const {
  PoolHealth health{.ever_ready = ever_ready_, .seats = seats_.size()};
  const auto now = std::chrono::steady_clock::now();
  for (const auto& seat : seats_) {
    if (seat->worker == nullptr) {
      ++health.waiting;
    } else if (seat->worker->state() == WorkerState::kReady) {
      ++health.ready;
    }
  }
  const auto recent = std::ranges::lower_bound(deaths_, now - kDeathWindow);
  health.deaths = static_cast<std::size_t>(deaths_.end() - recent);
  if (!queue_.empty()) health.oldest_queued = now - queue_.oldest_since();
  return health;
}

}  // namespace lambdapool::supervisor
