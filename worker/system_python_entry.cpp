// Where the worker begins when it is a library that python3 has preloaded: see system_python.h.

#include <dlfcn.h>
#include <sys/prctl.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "worker/command_line.h"
#include "worker/exit_status.h"
#include "worker/system_python.h"

namespace {

using Main = int (*)(int count, char** values, char** environment);
using Start = int (*)(Main main, int count, char** values, void (*initialize)(), void (*finalize)(),
                      void (*finalize_loader)(), void* stack_end);

// What the worker and the lambda's children see is the environment as it was.
void restore_environment() {
  const char* value = std::getenv(lambdapool::worker::kPreloadVariable);
  if (value == nullptr) return;
  const std::string before(lambdapool::worker::preloaded_before(value));
  if (before.empty()) {
    unsetenv(lambdapool::worker::kPreloadVariable);
  } else {
    setenv(lambdapool::worker::kPreloadVariable, before.c_str(), 1);
  }
}

int run_worker(int count, char** values, char** /*environment*/) {
  restore_environment();
  prctl(PR_SET_NAME, "lambdapool-work");  // As that program is called.
  // Without kInSystemPython, which has been obeyed.
  return lambdapool::worker::run_command_line(
      std::span(values + 1, static_cast<std::size_t>(count - 1)));
}

}  // namespace

// The C library's function that calls a program's main(): the library is searched before it, so
// python3 calls this one.
// NOLINTNEXTLINE(bugprone-reserved-identifier, readability-identifier-naming)
extern "C" [[gnu::visibility("default")]] int __libc_start_main(Main main, int count, char** values,
                                                                void (*initialize)(),
                                                                void (*finalize)(),
                                                                void (*finalize_loader)(),
                                                                void* stack_end) {
  const auto start = reinterpret_cast<Start>(dlsym(RTLD_NEXT, "__libc_start_main"));
  if (start == nullptr) {
    std::fputs("lambdapool-worker: the C library has no __libc_start_main\n", stderr);
    std::_Exit(lambdapool::worker::kExitInternal);
  }
  const bool ours = count > 1 && values[1] == lambdapool::worker::kInSystemPython;
  return start(ours ? &run_worker : main, count, values, initialize, finalize, finalize_loader,
               stack_end);
}
