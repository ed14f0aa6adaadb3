// Defaults for sanitizer builds: a crash of a lambda must end the worker by its signal, with
// Python's stack in the crash report, as it does without a sanitizer. Their own reports are for our
// defects only.

#define LAMBDAPOOL_LEAVE_CRASHES \
  "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0"

// The sanitizers look these names up.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return LAMBDAPOOL_LEAVE_CRASHES; }
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return LAMBDAPOOL_LEAVE_CRASHES; }
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
