// A child process as whoever started it sees it, however it came to be.
#pragma once

#include <cstdint>
#include <functional>

namespace lambdapool::supervisor::uv {

class ChildProcess {
 public:
  // How it ended: an exit status, or the signal that killed it when that is not zero.
  using Exited = std::function<void(std::int64_t status, int signal)>;

  ChildProcess() = default;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // Kills it and its process group when it still runs; Exited is not called then.
  virtual ~ChildProcess() = default;

  // 0 while it is not known yet.
  virtual int pid() const = 0;
  // No effect on a process that has ended. One whose id is not known yet gets it as soon as it is.
  virtual void signal(int number) = 0;
  // To the whole process group; also reaches what the process left behind when it has ended.
  virtual void signal_group(int number) = 0;
};

}  // namespace lambdapool::supervisor::uv
