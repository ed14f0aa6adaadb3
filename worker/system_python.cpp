#include "worker/system_python.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "protocol/vitals.h"
#include "worker/channel/channel_io.h"
#include "worker/exit_status.h"
#include "worker/process.h"
#include "worker/python/interpreter.h"
#include "worker/start_failure.h"

namespace lambdapool::worker {
namespace {

constexpr const char* kOtherWay = ", or set worker.interpreter to embedded";

std::unexpected<std::string> unusable(const std::string& what) {
  return std::unexpected("worker.interpreter is system, but " + what + kOtherWay);
}

// Returns only with why it did not work.
std::string execute(std::span<char*> values) {
  const std::string python = python::default_program();
  const auto preload = preload_value(worker_library(), python, std::getenv(kPreloadVariable));
  if (!preload) return preload.error();
  if (setenv(kPreloadVariable, preload->c_str(), 1) == 0) execv(python.c_str(), values.data());
  return unusable(python + " cannot be executed: " + std::strerror(errno)).error();
}

}  // namespace

int run_in_system_python(std::span<char*> values) {
  const std::string why = execute(values);
  // A template says it on standard error, which the supervisor logs; workers are started without
  // one then, and say it again.
  if (values.size() == 2 && !missing_descriptors()) {
    ChannelIo io(protocol::kChannelFd);
    return report_start_failure(io, why);
  }
  std::fprintf(stderr, "lambdapool-worker: %s\n", why.c_str());
  return kExitStartFailed;
}

std::string worker_library() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "lib" / "lambdapool" / "lambdapool-worker.so";
}

std::expected<std::string, std::string> preload_value(const std::string& library,
                                                      const std::string& python,
                                                      const char* current) {
  if (access(library.c_str(), R_OK) != 0) {
    return unusable(library + " cannot be read (" + std::strerror(errno) +
                    "): install lambdapool again, all of it");
  }
  // It is the loader that separates by them, and knows no way to quote.
  if (library.find_first_of(": ") != std::string::npos) {
    return unusable(library +
                    " has a space or a colon in its name, with which it cannot be preloaded: "
                    "install lambdapool elsewhere");
  }
  if (access(python.c_str(), X_OK) != 0) {
    return unusable(python + " cannot be executed (" + std::strerror(errno) + "): install it");
  }
  return current == nullptr || *current == '\0' ? library : library + ":" + current;
}

std::string_view preloaded_before(std::string_view value) {
  const auto end = value.find(':');
  return end == std::string_view::npos ? std::string_view() : value.substr(end + 1);
}

}  // namespace lambdapool::worker
