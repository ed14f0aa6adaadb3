#include "supervisor/log/log_target.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace lambdapool::supervisor {
namespace {

using Clock = std::chrono::steady_clock;

std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

bool standard_error_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe)
  struct stat status{};
  return stream != nullptr && ::fstat(STDERR_FILENO, &status) == 0 &&
         stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

std::expected<std::unique_ptr<LogTarget>, std::string> LogTarget::open(const std::string& path) {
  std::unique_ptr<LogTarget> target(new LogTarget(path));
  const auto opened = path.empty() ? target->open_standard_error() : target->open_file();
  if (!opened) return std::unexpected(opened.error());
  return target;
}

std::expected<void, std::string> LogTarget::open_file() {
  // O_NONBLOCK is for pipes and terminals; it changes nothing for a file.
  uv::FileDescriptor file(::open(
      path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640));
  if (!file.open()) return std::unexpected(path_ + " cannot be opened: " + reason(errno));
  file_ = std::move(file);
  return {};
}

std::expected<void, std::string> LogTarget::open_standard_error() {
  struct stat status{};
  if (::fstat(STDERR_FILENO, &status) != 0) {
    return std::unexpected("standard error is not open: " + reason(errno));
  }
  if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
    file_ =
        uv::FileDescriptor(::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (file_.open()) return {};
    // Somebody else's terminal, or no /proc.
    call_ = WriteCall::kWaitThenWrite;
  } else if (S_ISSOCK(status.st_mode)) {
    call_ = WriteCall::kSend;
    is_journal_ = standard_error_is_journal();
  }
  file_ = uv::FileDescriptor(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!file_.open()) return std::unexpected("standard error cannot be used: " + reason(errno));
  return {};
}

std::expected<void, std::string> LogTarget::reopen() {
  if (path_.empty()) return {};
  return open_file();
}

void LogTarget::give_up_at(Clock::time_point time) { give_up_ = time; }

std::expected<void, LogTarget::Unwritten> LogTarget::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write_some(bytes);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      if (!wait()) return std::unexpected(Unwritten{bytes.size(), "nobody reads the log"});
    } else if (errno != EINTR) {
      return std::unexpected(Unwritten{bytes.size(), reason(errno)});
    }
  }
  return {};
}

ssize_t LogTarget::write_some(std::string_view bytes) const {
  switch (call_) {
    case WriteCall::kWrite:
      break;
    case WriteCall::kSend:
      return ::send(file_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case WriteCall::kWaitThenWrite: {
      pollfd ready{file_.get(), POLLOUT, 0};
      if (::poll(&ready, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
      }
      bytes = bytes.substr(0, PIPE_BUF);
      break;
    }
  }
  return ::write(file_.get(), bytes.data(), bytes.size());
}

bool LogTarget::wait() const {
  // In slices: the time to give up may be set while this waits.
  constexpr std::chrono::milliseconds kSlice{50};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up_.load() - Clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{file_.get(), POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(std::min(left, kSlice).count())) != 0) return true;
  }
}

}  // namespace lambdapool::supervisor
