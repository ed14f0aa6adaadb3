#include "supervisor/pool/worker_launcher.h"

#include <algorithm>

namespace lambdapool::supervisor {
namespace {

// So many deaths of ready templates within so long are too many.
constexpr int kMostDeaths = 3;
constexpr std::chrono::minutes kDeathWindow{1};

}  // namespace

std::expected<std::unique_ptr<uv::ChildProcess>, std::string> WorkerLauncher::launch(
    const WorkerSettings& settings, const uv::SpawnOptions& options, Started started,
    Exited exited) {
  if (settings.pool.preload != Preload::kOff && !ended_) {
    Generation& own = generation(settings);
    if (own.process != nullptr && own.process->usable()) {
      return WarmProcess::order(loop_, log_, *own.process, options, std::move(started),
                                std::move(exited));
    }
  }
  auto process = uv::Process::spawn(loop_, options, std::move(exited));
  if (process) started((*process)->pid());
  return process;
}

WorkerLauncher::Generation& WorkerLauncher::generation(const WorkerSettings& settings) {
  const auto found = std::ranges::find_if(generations_, [&](const auto& each) {
    return each->settings.generation == settings.generation;
  });
  if (found != generations_.end()) return **found;
  generations_.push_back(std::make_unique<Generation>(settings));
  start(*generations_.back());
  return *generations_.back();
}

void WorkerLauncher::start(Generation& generation) {
  auto process = TemplateProcess::start(
      loop_, log_, generation.settings,
      [this](TemplateProcess& gone, const std::string& why) { on_gone(gone, why); });
  if (process) {
    generation.process = std::move(*process);
  } else {
    give_up(generation, process.error());
  }
}

void WorkerLauncher::on_gone(TemplateProcess& process, const std::string& why) {
  const auto found = std::ranges::find_if(
      generations_, [&](const auto& each) { return each->process.get() == &process; });
  if (found == generations_.end()) return;
  Generation& generation = **found;
  const bool was_ready = process.was_ready();
  loop_.retire(std::move(generation.process));
  const auto now = std::chrono::steady_clock::now();
  if (now - generation.first_death > kDeathWindow) {
    generation.first_death = now;
    generation.deaths = 0;
  }
  if (!was_ready || ++generation.deaths > kMostDeaths) return give_up(generation, why);
  log_.warning("template process is gone, another is started", {{"text", why}});
  start(generation);
}

void WorkerLauncher::give_up(Generation& generation, const std::string& why) {
  log_.warning("no template process, workers start without (pool.preload)",
               {{"generation", generation.settings.generation}, {"text", why}});
}

void WorkerLauncher::keep_only(std::uint64_t generation) {
  for (auto& each : generations_) {
    if (each->settings.generation == generation || each->process == nullptr) continue;
    each->process->end();
    loop_.retire(std::move(each->process));
  }
  std::erase_if(generations_,
                [generation](const auto& each) { return each->settings.generation != generation; });
}

void WorkerLauncher::end() {
  ended_ = true;
  for (auto& each : generations_) {
    if (each->process == nullptr) continue;
    each->process->end();
    loop_.retire(std::move(each->process));
  }
  generations_.clear();
}

}  // namespace lambdapool::supervisor
