// Tells systemd how the supervisor is doing, by the protocol of sd_notify: a datagram of lines to
// the socket that the variable NOTIFY_SOCKET names. Without the variable it tells nobody.
//
// The variables are taken out of the environment, so that no worker speaks for the supervisor.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "supervisor/uv/file_descriptor.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

// The socket of the manager, while the variable is still there; empty without a manager.
std::string notify_socket();

// Tells the manager at that socket, where there is one, why there is no supervisor (any more): what
// `systemctl status` shows as Status. Lines become one.
void tell_failure(const std::string& socket_path, std::string_view why);

class ServiceManager {
 public:
  explicit ServiceManager(uv::Loop& loop);

  void ready() { tell("READY=1\nSTATUS=serving\n"); }
  void reloading();
  void stopping();
  // Nothing more is said, and nothing of it is left on the loop.
  void finish();

 private:
  void tell(std::string_view lines);
  void tell_alive();

  std::string socket_path_;
  uv::FileDescriptor socket_;
  std::chrono::milliseconds watchdog_{0};  // How often to say that the loop turns; zero: never.
  uv::Timer timer_;
};

}  // namespace lambdapool::supervisor
