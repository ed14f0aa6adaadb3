// A timer that calls back once per start.
#pragma once

#include <chrono>
#include <functional>

#include "supervisor/uv/loop.h"

namespace lambdapool::supervisor::uv {

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> fired);

  // Starts it, or starts it anew when it runs already.
  void start(std::chrono::milliseconds delay);
  void stop();
  bool active() const;

 private:
  HandlePtr<uv_timer_t> handle_;
  std::function<void()> fired_;
};

}  // namespace lambdapool::supervisor::uv
