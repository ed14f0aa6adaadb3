// A listening TCP socket. `bind` takes the address at once, so that a port in use is known before
// any worker starts; clients are refused until `listen`.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "supervisor/uv/loop.h"

namespace lambdapool::supervisor::uv {

class TcpListener {
 public:
  // `host` is an address or a name; port 0 lets the kernel choose. Failure: a line for people that
  // names both.
  static std::expected<std::unique_ptr<TcpListener>, std::string> bind(Loop& loop,
                                                                       const std::string& host,
                                                                       std::uint16_t port);

  // `connected` is called with the stream to accept from, once per waiting connection.
  std::expected<void, std::string> listen(int backlog, std::function<void(uv_stream_t*)> connected);

  std::uint16_t port() const;

 private:
  TcpListener() = default;

  std::string name_;
  HandlePtr<uv_tcp_t> handle_;
  std::function<void(uv_stream_t*)> connected_;
};

}  // namespace lambdapool::supervisor::uv
