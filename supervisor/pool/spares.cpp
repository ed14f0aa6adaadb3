#include "supervisor/pool/spares.h"

#include <algorithm>

namespace lambdapool::supervisor {

Spares::Spares(uv::Loop& loop, const PoolConfig& config, Spawn spawn)
    : wanted_(config.standby),
      spawn_(std::move(spawn)),
      policy_(config.restart_backoff, config.restart_backoff_max, std::random_device{}()),
      restart_(loop, [this] { fill(); }) {}

void Spares::fill() {
  if (restart_.active()) return;
  while (workers_.size() < wanted_) {
    auto worker = spawn_();
    if (worker == nullptr) return restart_.start(policy_.delay_after_death());
    workers_.push_back(std::move(worker));
  }
}

std::unique_ptr<WorkerProcess> Spares::take() {
  const auto found = std::ranges::find_if(
      workers_, [](const auto& worker) { return worker->state() == WorkerState::kReady; });
  if (found == workers_.end()) return nullptr;
  auto worker = std::move(*found);
  workers_.erase(found);
  return worker;
}

std::unique_ptr<WorkerProcess> Spares::remove(const WorkerProcess& gone) {
  const auto found =
      std::ranges::find_if(workers_, [&](const auto& worker) { return worker.get() == &gone; });
  if (found == workers_.end()) return nullptr;
  auto worker = std::move(*found);
  workers_.erase(found);
  if (wanted_ == 0) return worker;
  if (gone.proved_itself()) policy_.worker_proved_itself();
  restart_.start(policy_.delay_after_death());
  return worker;
}

std::vector<std::unique_ptr<WorkerProcess>> Spares::give_up() {
  return std::exchange(workers_, {});
}

void Spares::close() {
  wanted_ = 0;
  restart_.stop();
}

std::size_t Spares::ready() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      workers_, [](const auto& worker) { return worker->state() == WorkerState::kReady; }));
}

}  // namespace lambdapool::supervisor
