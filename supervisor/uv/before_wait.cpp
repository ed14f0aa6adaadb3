#include "supervisor/uv/before_wait.h"

#include <utility>

namespace lambdapool::supervisor::uv {

BeforeWait::BeforeWait(Loop& loop, std::function<void()> callback)
    : handle_(new uv_prepare_t), callback_(std::move(callback)) {
  uv_prepare_init(loop.get(), handle_.get());
  handle_->data = this;
  uv_prepare_start(handle_.get(), [](uv_prepare_t* handle) {
    if (auto* self = static_cast<BeforeWait*>(handle->data)) self->callback_();
  });
  uv_unref(as_handle(handle_));
}

}  // namespace lambdapool::supervisor::uv
