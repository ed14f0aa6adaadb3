// Watches one signal of this process. Does not keep the loop alive.
#pragma once

#include <functional>

#include "supervisor/uv/loop.h"

namespace lambdapool::supervisor::uv {

class Signal {
 public:
  Signal(Loop& loop, int number, std::function<void()> received);

 private:
  HandlePtr<uv_signal_t> handle_;
  std::function<void()> received_;
};

}  // namespace lambdapool::supervisor::uv
