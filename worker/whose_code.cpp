#include "worker/whose_code.h"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace lambdapool::worker {
namespace {

// All that end a process and that code can raise on itself; SIGUSR2 is faulthandler's.
constexpr std::array kDeadly = {
    SIGSEGV, SIGBUS, SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS, SIGTERM,   SIGINT,
    SIGQUIT, SIGHUP, SIGALRM, SIGPROF, SIGPOLL, SIGUSR1, SIGPWR, SIGSTKFLT, SIGVTALRM,
};

// What the handlers know.
VitalsPage* watched = nullptr;
pid_t process = 0;

// Whether it is a fault of the instruction that this thread has just run.
bool is_fault(const siginfo_t& info) {
  switch (info.si_signo) {
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGSYS:
      return info.si_code > 0;
    default:
      return false;
  }
}

bool was_sent_by(const siginfo_t& info, pid_t sender) {
  return (info.si_code == SI_USER || info.si_code == SI_TKILL || info.si_code == SI_QUEUE) &&
         info.si_pid == sender;
}

// Runs on whatever thread the signal came to, at any instruction. The disposition is the default
// again by now, so that raising it once more ends the process as if nobody had listened.
void on_deadly_signal(int number, siginfo_t* info, void* /*context*/) {
  const bool own = is_fault(*info) || was_sent_by(*info, getpid()) || was_sent_by(*info, getppid());
  if (getpid() == process) {
    if (own) {
      tell_culprit(*watched, 0);
    } else {
      watched->stepping_nothing();  // Somebody else has ended it, or a timer.
    }
  }
  static_cast<void>(raise(number));
}

void keep_page_in_child() { watched->become_private(); }

}  // namespace

void tell_culprit(VitalsPage& vitals, std::uint64_t fallback) {
  const std::uint64_t request = own_request != 0 ? own_request : fallback;
  if (request == 0) {
    vitals.stepping_nothing();
  } else {
    vitals.culprit(request);
  }
}

void watch_deaths(VitalsPage& vitals) {
  watched = &vitals;
  process = getpid();
  pthread_atfork(nullptr, nullptr, &keep_page_in_child);
  struct sigaction action{};
  action.sa_sigaction = &on_deadly_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  for (const int number : kDeadly) sigaction(number, &action, nullptr);
}

}  // namespace lambdapool::worker
