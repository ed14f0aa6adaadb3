// The embedded CPython, one per process, from its start to its end.
//
// It sees the same standard library and packages as the Python it was built for (or as the virtual
// environment it is pointed at), and nothing of the user's environment: no PYTHON* variables, no
// user site, no current folder. The thread that starts it holds the GIL until the object is gone.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace lambdapool::worker::python {

class Interpreter {
 public:
  // `program` is the Python program in whose place it runs: it decides where modules are found, and
  // is sys.executable. The error is text for people.
  static std::expected<std::unique_ptr<Interpreter>, std::string> start(const std::string& program);
  // Ends as any Python program does: joins threads, runs atexit functions, flushes. A worker that
  // ran a lambda does not come here: see end_process().
  ~Interpreter();
  // Whether there is one in this process.
  static bool running();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

 private:
  Interpreter() = default;
};

// The Python program this was built for, such as "/usr/bin/python3".
std::string default_program();

// Major and minor version of the embedded interpreter, such as "3.11".
std::string_view version();

// Puts a folder at the front of sys.path. False: an exception is pending.
bool prepend_path(std::string_view folder);

// From now on Python's stacks go to `fd`: of all threads when the process crashes, and on SIGUSR2.
// False: an exception is pending.
bool report_crashes_to(int fd);

}  // namespace lambdapool::worker::python
