// Ownership of libuv handles.
//
// Invariant: libuv may touch a handle's memory until its close callback has run. A HandlePtr
// therefore never frees: it clears `data`, so that a callback still in flight finds no owner, and
// asks libuv to close; the close callback frees. The owner may be gone by then, the Loop may not.
#pragma once

#include <uv.h>

#include <memory>

namespace lambdapool::supervisor::uv {

struct CloseHandle {
  template <class T>
  void operator()(T* handle) const noexcept {
    handle->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete reinterpret_cast<T*>(closed); });
  }
};

template <class T>
using HandlePtr = std::unique_ptr<T, CloseHandle>;

template <class T>
uv_handle_t* as_handle(const HandlePtr<T>& handle) {
  return reinterpret_cast<uv_handle_t*>(handle.get());
}

}  // namespace lambdapool::supervisor::uv
