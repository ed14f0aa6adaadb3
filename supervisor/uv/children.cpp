#include "supervisor/uv/children.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>

namespace lambdapool::supervisor::uv {

void Children::adopt_orphans() {
  if (child_ended_ != nullptr) return;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  child_ended_ = std::make_unique<Signal>(loop_, SIGCHLD, [this] { reap_strangers(); });
}

void Children::remove(int pid) {
  known_.erase(pid);
  reap_strangers();
}

void Children::release() {
  --held_;
  reap_strangers();
}

void Children::reap_strangers() {
  if (child_ended_ == nullptr || held_ > 0) return;
  for (;;) {
    siginfo_t ended{};
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
    // One that somebody waits for hides those behind it, until it has been removed.
    if (known(ended.si_pid)) return;
    if (waitpid(ended.si_pid, nullptr, WNOHANG) != ended.si_pid) return;
  }
}

}  // namespace lambdapool::supervisor::uv
