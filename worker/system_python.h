// The second way to run a worker: by the system's python3 instead of the interpreter in this
// program, for Debian compiles python3 itself better than what others may link.
//
// The same worker is a shared library as well, without a Python in it. This program executes
// python3 with that library preloaded, and the library takes the place of python3's main()
// (system_python_entry.cpp). From there on all is the same: nothing of Python has run yet, so the
// interpreter is configured, and the process prepared, by the code that does it here.
//
// The preloading ends there: the environment is put back before Python starts.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace lambdapool::worker {

// The first argument of a worker or template that should run so.
inline constexpr std::string_view kInSystemPython = "--interpreter=system";

inline constexpr const char* kPreloadVariable = "LD_PRELOAD";

// Executes the system's Python with the same arguments. Returns, with the exit status, only where
// that is not possible; the supervisor has been told why.
int run_in_system_python(std::span<char*> values);

// The library, ../lib/lambdapool/lambdapool-worker.so of the folder of this program.
std::string worker_library();

// The value of LD_PRELOAD for `library` ahead of what is preloaded anyway (`current`, null for
// nothing). The error is text for people: one of the two files cannot be used.
std::expected<std::string, std::string> preload_value(const std::string& library,
                                                      const std::string& python,
                                                      const char* current);

// What `preload_value` was made of: undoes it. Empty: nothing was preloaded.
std::string_view preloaded_before(std::string_view value);

}  // namespace lambdapool::worker
