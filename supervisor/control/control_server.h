// The control socket: who may speak is checked, and requests are handed on.
//
// The socket's file is for its owner only, and the kernel says which user a client is: nobody but
// the supervisor's own user and root is answered. Clients are few; one more is told so.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/control/control_connection.h"
#include "supervisor/log/log.h"
#include "supervisor/uv/listener.h"

namespace lambdapool::supervisor {

class ControlHandler {
 public:
  // Is answered by ControlServer::answer with this id, exactly once, now or later.
  virtual void control(ControlId id, const ControlRequest& request) = 0;

 protected:
  ~ControlHandler() = default;
};

class ControlServer final : public uv::Retirable, private ControlHost {
 public:
  static constexpr std::size_t kMaxConnections = 32;
  static constexpr Milliseconds kIdleTimeout{30'000};

  // Clients are let in at once.
  static std::expected<std::unique_ptr<ControlServer>, std::string> open(
      uv::Loop& loop, Log& log, const std::string& path, ControlHandler& handler,
      Milliseconds idle_timeout = kIdleTimeout);
  ~ControlServer() override;

  const std::string& path() const { return path_; }
  // Nobody hears it when the client has left.
  void answer(ControlId id, const ControlResult& result);

 private:
  struct Client {
    std::unique_ptr<ControlConnection> connection;
    ControlId waits_for{};
  };

  ControlServer(uv::Loop& loop, Log& log, std::string path, ControlHandler& handler,
                Milliseconds idle_timeout);

  void on_request(ControlConnection& connection, ControlRequest request) override;
  void on_over(ControlConnection& connection) override;
  void on_connection(uv_stream_t* server);

  uv::Loop& loop_;
  Log& log_;
  const std::string path_;
  ControlHandler& handler_;
  const Milliseconds idle_timeout_;
  std::uint64_t last_id_ = 0;
  std::unique_ptr<uv::Listener> listener_;
  std::vector<Client> clients_;
};

}  // namespace lambdapool::supervisor
