// Watches one descriptor for readability and, while asked to, for writability.
//
// The descriptor must outlive the Poll: libuv takes it off its epoll set when the handle is closed.
#pragma once

#include <functional>

#include "supervisor/uv/loop.h"

namespace lambdapool::supervisor::uv {

enum class Watch { kNothing, kReadable, kWritable, kBoth };

class Poll {
 public:
  Poll(Loop& loop, int descriptor, std::function<void(Watch)> happened);

  void watch(Watch what);
  void stop();

 private:
  HandlePtr<uv_poll_t> handle_;
  std::function<void(Watch)> happened_;
  Watch watched_ = Watch::kNothing;
};

}  // namespace lambdapool::supervisor::uv
