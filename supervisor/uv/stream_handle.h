// Ownership of a handle for a stream socket, TCP or unix, by the part that both kinds share.
#pragma once

#include <uv.h>

#include <memory>

#include "supervisor/uv/handle.h"

namespace lambdapool::supervisor::uv {

struct CloseStream {
  void operator()(uv_stream_t* handle) const noexcept {
    if (handle->type == UV_NAMED_PIPE) {
      CloseHandle{}(reinterpret_cast<uv_pipe_t*>(handle));
    } else {
      CloseHandle{}(reinterpret_cast<uv_tcp_t*>(handle));
    }
  }
};
using StreamPtr = std::unique_ptr<uv_stream_t, CloseStream>;

// `type` is UV_TCP or UV_NAMED_PIPE.
inline StreamPtr make_stream(uv_loop_t* loop, uv_handle_type type) {
  if (type == UV_NAMED_PIPE) {
    auto* pipe = new uv_pipe_t;
    uv_pipe_init(loop, pipe, 0);
    return StreamPtr(reinterpret_cast<uv_stream_t*>(pipe));
  }
  auto* tcp = new uv_tcp_t;
  uv_tcp_init(loop, tcp);
  return StreamPtr(reinterpret_cast<uv_stream_t*>(tcp));
}

}  // namespace lambdapool::supervisor::uv
