// One child process, in a session of its own.
//
// Invariant: a running child must be reaped before its handle may be closed, so dropping a Process
// whose child runs kills the child's process group and leaves the handle to the exit callback,
// which closes it.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/uv/child_process.h"
#include "supervisor/uv/loop.h"

namespace lambdapool::supervisor::uv {

struct KillThenClose {
  void operator()(uv_process_t* child) const noexcept;
};

struct SpawnOptions {
  std::vector<std::string> arguments;  // The program first; it is a path.
  // Descriptor i of the child is a copy of descriptors[i] here; -1 gives it /dev/null. No others
  // are inherited.
  std::vector<int> descriptors;
  std::string folder = {};  // Where it starts; empty: where the supervisor is.
};

class Process final : public ChildProcess {
 public:
  static std::expected<std::unique_ptr<Process>, std::string> spawn(Loop& loop,
                                                                    const SpawnOptions& options,
                                                                    Exited exited);

  int pid() const override { return pid_; }
  bool running() const { return running_; }

  void signal(int number) override;
  void signal_group(int number) override;

 private:
  explicit Process(Exited exited) : exited_(std::move(exited)) {}

  Exited exited_;
  std::unique_ptr<uv_process_t, KillThenClose> handle_;
  int pid_ = 0;
  bool running_ = false;
};

}  // namespace lambdapool::supervisor::uv
