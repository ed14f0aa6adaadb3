// Calls back once per turn of the loop, after all events of the turn and before the loop waits for
// more: the place to write out in one go what the turn has produced. Does not keep the loop alive.
#pragma once

#include <functional>

#include "supervisor/uv/loop.h"

namespace lambdapool::supervisor::uv {

class BeforeWait {
 public:
  BeforeWait(Loop& loop, std::function<void()> callback);

 private:
  HandlePtr<uv_prepare_t> handle_;
  std::function<void()> callback_;
};

}  // namespace lambdapool::supervisor::uv
