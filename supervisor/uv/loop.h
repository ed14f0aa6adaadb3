// The event loop of the supervisor; everything runs on its thread.
//
// Declared before whatever has a handle, and so destroyed after it: the destructor runs the loop
// until the last close callback has run. A loop ends because nothing is left on it.
#pragma once

#include <uv.h>

#include <chrono>
#include <memory>
#include <vector>

#include "supervisor/uv/handle.h"

namespace lambdapool::supervisor::uv {

// What can be destroyed later by the loop.
class Retirable {
 public:
  Retirable() = default;
  Retirable(const Retirable&) = delete;
  Retirable& operator=(const Retirable&) = delete;
  virtual ~Retirable() = default;
};

class Children;

using TimePoint = std::chrono::steady_clock::time_point;

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  uv_loop_t* get() { return &loop_; }
  static Loop& of(uv_loop_t* loop) { return *static_cast<Loop*>(loop->data); }

  // The processes whose end is waited for on this loop.
  Children& children() { return *children_; }

  // Runs until nothing is left on the loop.
  void run();

  // Destroys the object before the loop waits again: the way for an object to end inside its own
  // callback.
  void retire(std::unique_ptr<Retirable> object);

 private:
  void destroy_retired();

  uv_loop_t loop_{};
  HandlePtr<uv_prepare_t> before_wait_;
  std::unique_ptr<Children> children_;
  std::vector<std::unique_ptr<Retirable>> retired_;
};

}  // namespace lambdapool::supervisor::uv
