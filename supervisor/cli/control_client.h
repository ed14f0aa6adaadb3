// The other end of a supervisor's control socket, for commands: it blocks.
//
// Who answers is not trusted more than the socket's place and owner allow: the process at the other
// end must be this user's or root's, and its answer must be one.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>

#include "supervisor/json/json.h"
#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {

// The socket of the one supervisor of this user that runs. Failure: lines for people that name
// those there are.
std::expected<std::string, std::string> find_control_socket();

class ControlClient {
 public:
  // Failure: what is wrong and what to do.
  static std::expected<ControlClient, std::string> connect(const std::string& path);

  // Sends one line and gives the one that answers it. Without a limit it waits for as long as it
  // takes.
  std::expected<std::string, std::string> ask(const std::string& line,
                                              std::optional<std::chrono::milliseconds> limit);
  // Waits until the supervisor is gone.
  void wait_for_end();

 private:
  ControlClient(std::string path, uv::FileDescriptor socket, int peer)
      : path_(std::move(path)), socket_(std::move(socket)), peer_(peer) {}

  std::string no_answer(std::chrono::milliseconds limit) const;

  std::string path_;
  uv::FileDescriptor socket_;
  int peer_;  // Its process; 0 when it is not known.
  std::string received_;
};

}  // namespace lambdapool::supervisor
