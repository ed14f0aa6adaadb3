#include "supervisor/uv/adopted_process.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "supervisor/uv/children.h"

namespace lambdapool::supervisor::uv {

std::expected<std::unique_ptr<AdoptedProcess>, std::string> AdoptedProcess::adopt(Loop& loop,
                                                                                  int pid,
                                                                                  Exited exited) {
  siginfo_t info{};
  if (pid <= 1 || loop.children().known(pid) ||
      waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return std::unexpected("process " + std::to_string(pid) + " is none that could be adopted");
  }
  FileDescriptor descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!descriptor.open()) return std::unexpected(std::string("pidfd_open: ") + strerror(errno));
  return std::unique_ptr<AdoptedProcess>(
      new AdoptedProcess(loop, pid, std::move(descriptor), std::move(exited)));
}

AdoptedProcess::AdoptedProcess(Loop& loop, int pid, FileDescriptor descriptor, Exited exited)
    : loop_(loop),
      pid_(pid),
      descriptor_(std::move(descriptor)),
      poll_(loop, descriptor_.get(), [this](Watch) { look(); }),
      exited_(std::move(exited)) {
  loop_.children().add(pid_);
  poll_.watch(Watch::kReadable);
}

AdoptedProcess::~AdoptedProcess() {
  if (!running_) return;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  // A stranger from now on, which is reaped when it has ended.
  loop_.children().remove(pid_);
}

void AdoptedProcess::look() {
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return;
  running_ = false;
  poll_.stop();
  loop_.children().remove(pid_);
  const bool killed = WIFSIGNALED(status);
  exited_(killed ? 0 : WEXITSTATUS(status), killed ? WTERMSIG(status) : 0);
}

void AdoptedProcess::signal(int number) {
  if (running_) ::kill(pid_, number);
}

void AdoptedProcess::signal_group(int number) { ::kill(-pid_, number); }

}  // namespace lambdapool::supervisor::uv
