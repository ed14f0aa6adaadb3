#include "supervisor/uv/async.h"

#include <cstdlib>
#include <utility>

namespace lambdapool::supervisor::uv {

Async::Async(Loop& loop, std::function<void()> woken)
    : handle_(new uv_async_t), woken_(std::move(woken)) {
  // Fails only when the loop has no descriptor left for its own wake-up, which it opened before.
  auto* raw = handle_.release();
  if (uv_async_init(loop.get(), raw, [](uv_async_t* handle) {
        if (auto* self = static_cast<Async*>(handle->data)) self->woken_();
      }) != 0) {
    std::abort();
  }
  handle_.reset(raw);
  handle_->data = this;
  uv_unref(as_handle(handle_));
}

void Async::send() { uv_async_send(handle_.get()); }

}  // namespace lambdapool::supervisor::uv
