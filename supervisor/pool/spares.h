// Workers that are started and wait, without requests, for a seat to become free.
//
// Invariant: there are never more than were asked for. One that dies is started again with the
// pauses of a RestartPolicy, so that a lambda that cannot start costs no more than it does in a
// seat.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "supervisor/pool/restart_policy.h"
#include "supervisor/pool/worker_process.h"

namespace lambdapool::supervisor {

class Spares {
 public:
  // Null when it cannot be started.
  using Spawn = std::function<std::unique_ptr<WorkerProcess>()>;

  Spares(uv::Loop& loop, const PoolConfig& config, Spawn spawn);

  // From now on there should be so many.
  void want(std::size_t workers) { wanted_ = workers; }
  // Starts those that are missing, unless the last one has just died.
  void fill();
  // One that is ready, for a seat; null when none is.
  std::unique_ptr<WorkerProcess> take();
  // The spare that is gone, to be destroyed; null when it is none. Another one is started later.
  std::unique_ptr<WorkerProcess> remove(const WorkerProcess& gone);
  // All of them, to be retired.
  std::vector<std::unique_ptr<WorkerProcess>> give_up();
  // No more are started.
  void close();

  bool empty() const { return workers_.empty(); }
  std::size_t ready() const;
  template <class Visit>
  void for_each(Visit visit) {
    for (std::size_t i = 0; i < workers_.size(); ++i) visit(*workers_[i]);
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& worker : workers_) visit(*worker);
  }

 private:
  std::size_t wanted_;
  Spawn spawn_;
  std::vector<std::unique_ptr<WorkerProcess>> workers_;
  RestartPolicy policy_;
  uv::Timer restart_;
};

}  // namespace lambdapool::supervisor
