// A child process that this program has not spawned but adopted: a descendant whose parent has
// ended. Its end is learnt from a pidfd.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "supervisor/uv/child_process.h"
#include "supervisor/uv/file_descriptor.h"
#include "supervisor/uv/loop.h"
#include "supervisor/uv/poll.h"

namespace lambdapool::supervisor::uv {

class AdoptedProcess final : public ChildProcess {
 public:
  // `pid` may come from anywhere: it is refused unless it is a child of ours that nobody waits for.
  static std::expected<std::unique_ptr<AdoptedProcess>, std::string> adopt(Loop& loop, int pid,
                                                                           Exited exited);
  ~AdoptedProcess() override;

  int pid() const override { return pid_; }
  void signal(int number) override;
  void signal_group(int number) override;

 private:
  AdoptedProcess(Loop& loop, int pid, FileDescriptor descriptor, Exited exited);
  void look();

  Loop& loop_;
  int pid_;
  FileDescriptor descriptor_;
  Poll poll_;
  Exited exited_;
  bool running_ = true;
};

}  // namespace lambdapool::supervisor::uv
