// A listening socket, TCP or unix.
//
// `bind` takes the address at once, so that a port in use is known before any worker starts; TCP
// clients are refused until `listen`, those of a unix socket wait. The file of a unix socket
// appears under its name only when it listens, with its final mode, and goes with the Listener: a
// name that refuses is that of a dead program, whose place may be taken.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "supervisor/uv/loop.h"
#include "supervisor/uv/stream_handle.h"

namespace lambdapool::supervisor::uv {

class Listener {
 public:
  // `host` is an address or a name; port 0 lets the kernel choose. Failure: a line for people that
  // names both.
  static std::expected<std::unique_ptr<Listener>, std::string> bind(Loop& loop,
                                                                    const std::string& host,
                                                                    std::uint16_t port);

  // Failure: a line for people that names the path. The path is at most 107 bytes long.
  static std::expected<std::unique_ptr<Listener>, std::string> bind_unix(Loop& loop,
                                                                         const std::string& path,
                                                                         unsigned mode);
  ~Listener();

  // `connected` is called with the stream to accept from, once per waiting connection.
  std::expected<void, std::string> listen(int backlog, std::function<void(uv_stream_t*)> connected);

  // Zero for a unix socket.
  std::uint16_t port() const;

 private:
  Listener() = default;

  std::string name_;
  StreamPtr handle_;
  // Of a unix socket: its file, by which it is known again.
  std::string path_;
  std::uint64_t inode_ = 0;
  std::function<void(uv_stream_t*)> connected_;
};

}  // namespace lambdapool::supervisor::uv
