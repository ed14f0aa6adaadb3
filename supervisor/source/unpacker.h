// Unpacks one archive in a process of its own: the supervisor trusts no byte of it, and its loop
// does not wait.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "supervisor/config/config.h"
#include "supervisor/pool/output_pipe.h"
#include "supervisor/uv/process.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

class Unpacker final : public uv::Retirable {
 public:
  // Called once, and may retire the unpacker: nothing when `folder` holds the contents now, else
  // what is wrong, in lines for people.
  using Done = std::function<void(std::expected<void, std::string>)>;

  static std::expected<std::unique_ptr<Unpacker>, std::string> start(
      uv::Loop& loop, const std::string& worker_program, const LambdaConfig& limits,
      const std::string& archive, const std::string& folder, Milliseconds limit, Done done);

 private:
  Unpacker(uv::Loop& loop, Done done);

  void on_exited(std::int64_t status, int signal);

  Done done_;
  std::string complaints_;
  bool timed_out_ = false;
  std::unique_ptr<OutputPipe> output_;
  std::unique_ptr<uv::Process> process_;
  uv::Timer timer_;
};

}  // namespace lambdapool::supervisor
