#include "supervisor/uv/timer.h"

#include <algorithm>
#include <utility>

namespace lambdapool::supervisor::uv {

Timer::Timer(Loop& loop, std::function<void()> fired)
    : handle_(new uv_timer_t), fired_(std::move(fired)) {
  uv_timer_init(loop.get(), handle_.get());
  handle_->data = this;
}

void Timer::start(std::chrono::milliseconds delay) {
  // The loop's cached time may be old after a long callback, and a timer counts from it.
  uv_update_time(handle_->loop);
  uv_timer_start(
      handle_.get(),
      [](uv_timer_t* handle) {
        if (auto* self = static_cast<Timer*>(handle->data)) self->fired_();
      },
      static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0)), 0);
}

void Timer::stop() { uv_timer_stop(handle_.get()); }

bool Timer::active() const { return uv_is_active(as_handle(handle_)) != 0; }

}  // namespace lambdapool::supervisor::uv
