#include "supervisor/uv/poll.h"

#include <cstdlib>
#include <utility>

namespace lambdapool::supervisor::uv {
namespace {

int to_events(Watch what) {
  switch (what) {
    case Watch::kNothing:
      return 0;
    case Watch::kReadable:
      return UV_READABLE;
    case Watch::kWritable:
      return UV_WRITABLE;
    case Watch::kBoth:
      return UV_READABLE | UV_WRITABLE;
  }
  return 0;
}

Watch from_events(int status, int events) {
  // An error or a hang-up is learnt by reading.
  if (status < 0) return Watch::kReadable;
  const bool readable = (events & UV_READABLE) != 0;
  const bool writable = (events & UV_WRITABLE) != 0;
  if (readable && writable) return Watch::kBoth;
  return writable ? Watch::kWritable : Watch::kReadable;
}

}  // namespace

Poll::Poll(Loop& loop, int descriptor, std::function<void(Watch)> happened)
    : handle_(new uv_poll_t), happened_(std::move(happened)) {
  // Fails only for a descriptor that is not pollable or watched already, which is a defect of ours.
  auto* raw = handle_.release();
  if (uv_poll_init(loop.get(), raw, descriptor) != 0) std::abort();
  handle_.reset(raw);
  handle_->data = this;
}

void Poll::watch(Watch what) {
  if (what == watched_) return;
  watched_ = what;
  uv_poll_start(handle_.get(), to_events(what), [](uv_poll_t* handle, int status, int events) {
    if (auto* self = static_cast<Poll*>(handle->data)) self->happened_(from_events(status, events));
  });
}

void Poll::stop() {
  watched_ = Watch::kNothing;
  uv_poll_stop(handle_.get());
}

}  // namespace lambdapool::supervisor::uv
