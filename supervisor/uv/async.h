// Wakes the loop from another thread. Does not keep the loop alive.
//
// Several `send` before the loop wakes may become one call.
#pragma once

#include <functional>

#include "supervisor/uv/loop.h"

namespace lambdapool::supervisor::uv {

class Async {
 public:
  Async(Loop& loop, std::function<void()> woken);

  // May be called from any thread, as long as the Async lives.
  void send();

 private:
  HandlePtr<uv_async_t> handle_;
  std::function<void()> woken_;
};

}  // namespace lambdapool::supervisor::uv
