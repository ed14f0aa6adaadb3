#include "supervisor/health/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <ctime>

#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

// The value, and takes it out of the environment: workers inherit that.
std::string take_variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  std::string text = value == nullptr ? "" : value;
  unsetenv(name);  // NOLINT(concurrency-mt-unsafe): no other thread reads the environment.
  return text;
}

// Half of what the manager waits for at most; zero when it waits for nothing or for another
// process.
std::chrono::milliseconds watchdog_interval() {
  const std::string microseconds = take_variable("WATCHDOG_USEC");
  const std::string pid = take_variable("WATCHDOG_PID");
  if (!pid.empty() && pid != std::to_string(getpid())) return {};
  std::uint64_t value = 0;
  std::from_chars(microseconds.data(), microseconds.data() + microseconds.size(), value);
  constexpr std::uint64_t kPerMillisecond = 1000;
  constexpr std::uint64_t kLongest = std::uint64_t{3'600'000};
  return std::chrono::milliseconds(std::min(value / kPerMillisecond / 2, kLongest));
}

uv::FileDescriptor open_socket() {
  return uv::FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

void send_lines(const uv::FileDescriptor& socket, const std::string& path, std::string_view lines) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!socket.open() || path.size() >= sizeof(address.sun_path)) return;
  std::ranges::copy(path, address.sun_path);
  // A name in the abstract namespace is written with an @ in place of its zero byte.
  if (path.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  // A manager that does not listen is not waited for.
  sendto(socket.get(), lines.data(), lines.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace

std::string notify_socket() {
  const char* value = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

void tell_failure(const std::string& socket_path, std::string_view why) {
  if (socket_path.empty()) return;
  // systemd takes no more than 4096 bytes.
  constexpr std::size_t kLongest = 1024;
  std::string status = "STATUS=" + std::string(clipped(why, kLongest));
  std::ranges::replace(status, '\n', ' ');
  send_lines(open_socket(), socket_path, status + "\n");
}

ServiceManager::ServiceManager(uv::Loop& loop)
    : socket_path_(take_variable("NOTIFY_SOCKET")),
      watchdog_(watchdog_interval()),
      timer_(loop, [this] { tell_alive(); }) {
  if (socket_path_.empty()) return;
  socket_ = open_socket();
  if (watchdog_.count() > 0) tell_alive();
}

void ServiceManager::tell_alive() {
  tell("WATCHDOG=1\n");
  timer_.start(watchdog_);
}

void ServiceManager::reloading() {
  // systemd 253 and newer want to know when it began.
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  constexpr std::int64_t kPerSecond = 1'000'000;
  constexpr std::int64_t kNanoseconds = 1000;
  tell("RELOADING=1\nSTATUS=reloading\nMONOTONIC_USEC=" +
       std::to_string(now.tv_sec * kPerSecond + now.tv_nsec / kNanoseconds) + "\n");
}

void ServiceManager::stopping() { tell("STOPPING=1\nSTATUS=stopping\n"); }

void ServiceManager::finish() {
  timer_.stop();
  socket_.reset();
}

void ServiceManager::tell(std::string_view lines) { send_lines(socket_, socket_path_, lines); }

}  // namespace lambdapool::supervisor
