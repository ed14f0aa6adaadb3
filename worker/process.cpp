#include "worker/process.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "protocol/allocator.h"
#include "protocol/vitals.h"
#include "worker/exit_status.h"

namespace lambdapool::worker {
namespace {

using protocol::kChannelFd;
using protocol::kCrashReportFd;
using protocol::kVitalsFd;

bool is_of_kind(int fd, mode_t kind) {
  struct stat status{};
  return fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == kind;
}

// Runs in the child of every fork(), before fork() returns there; not in what vfork() or
// posix_spawn() make.
void disown_descriptors() {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {kChannelFd, kVitalsFd}) {
    if (null < 0 || dup3(null, fd, O_CLOEXEC) < 0) close(fd);
  }
  if (null >= 0) close(null);
  if (dup3(STDERR_FILENO, kCrashReportFd, O_CLOEXEC) < 0) close(kCrashReportFd);
}

}  // namespace

std::optional<std::string> missing_descriptors() {
  if (!is_of_kind(kChannelFd, S_IFSOCK)) {
    return "descriptor " + std::to_string(kChannelFd) + " should be the supervisor's socket";
  }
  for (const auto& [fd, what] :
       {std::pair{kCrashReportFd, "crash report"}, std::pair{kVitalsFd, "vitals page"}}) {
    if (!is_of_kind(fd, S_IFREG))
      return "descriptor " + std::to_string(fd) + " should be the " + what;
  }
  return std::nullopt;
}

void prepare_process() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  constexpr std::array kDefaults = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGCHLD, SIGUSR1,
                                    SIGUSR2, SIGALRM, SIGTTIN, SIGTTOU, SIGTSTP, SIGWINCH};
  for (const int number : kDefaults) static_cast<void>(std::signal(number, SIG_DFL));
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void guard_descriptors() {
  for (const int fd : {kChannelFd, kCrashReportFd, kVitalsFd}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  pthread_atfork(nullptr, nullptr, &disown_descriptors);
}

void offer_to_oom_killer() {
  constexpr int kMore = 500;
  constexpr int kMost = 1000;
  constexpr const char* kFile = "/proc/self/oom_score_adj";
  int current = 0;
  if (std::ifstream in(kFile); !(in >> current)) return;
  std::ofstream(kFile) << std::min(current + kMore, kMost);
}

void begin_worker() {
  protocol::keep_large_blocks();
  prepare_process();
  guard_descriptors();
  offer_to_oom_killer();
}

void end_process(int status) {
  static_cast<void>(std::fflush(stdout));
  _exit(status);
}

void end_without_supervisor() { _exit(kExitClean); }

void end_by_framing_error(const std::string& what) {
  const std::string line = "lambdapool-worker: the supervisor broke the protocol: " + what + "\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
  _exit(kExitInternal);
}

}  // namespace lambdapool::worker
