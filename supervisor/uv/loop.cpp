#include "supervisor/uv/loop.h"

#include <cstdlib>

#include "supervisor/uv/children.h"

namespace lambdapool::supervisor::uv {

Loop::Loop() {
  if (uv_loop_init(&loop_) != 0) std::abort();
  loop_.data = this;
  children_ = std::make_unique<Children>(*this);
  before_wait_.reset(new uv_prepare_t);
  uv_prepare_init(&loop_, before_wait_.get());
  before_wait_->data = this;
  uv_prepare_start(before_wait_.get(), [](uv_prepare_t* handle) {
    if (auto* self = static_cast<Loop*>(handle->data)) self->destroy_retired();
  });
  uv_unref(as_handle(before_wait_));
}

Loop::~Loop() {
  destroy_retired();
  before_wait_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);
  children_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);
  // A handle without an owner would be a leak of ours; ending loudly beats hiding it.
  if (uv_loop_close(&loop_) != 0) std::abort();
}

void Loop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }

void Loop::retire(std::unique_ptr<Retirable> object) { retired_.push_back(std::move(object)); }

void Loop::destroy_retired() {
  // A destructor may retire another object.
  while (!retired_.empty()) {
    auto objects = std::move(retired_);
    retired_.clear();
    objects.clear();
  }
}

}  // namespace lambdapool::supervisor::uv
