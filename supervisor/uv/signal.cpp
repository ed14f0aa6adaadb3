#include "supervisor/uv/signal.h"

#include <utility>

namespace lambdapool::supervisor::uv {

Signal::Signal(Loop& loop, int number, std::function<void()> received)
    : handle_(new uv_signal_t), received_(std::move(received)) {
  uv_signal_init(loop.get(), handle_.get());
  handle_->data = this;
  uv_signal_start(
      handle_.get(),
      [](uv_signal_t* handle, int) {
        if (auto* self = static_cast<Signal*>(handle->data)) self->received_();
      },
      number);
  uv_unref(as_handle(handle_));
}

}  // namespace lambdapool::supervisor::uv
