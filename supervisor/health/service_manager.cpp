#include "supervisor/health/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <ctime>

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

}  // namespace

ServiceManager::ServiceManager(uv::Loop& loop)
    : socket_path_(take_variable("NOTIFY_SOCKET")),
      watchdog_(watchdog_interval()),
      timer_(loop, [this] { tell_alive(); }) {
  if (socket_path_.empty()) return;
  socket_ = uv::FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
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

void ServiceManager::tell(std::string_view lines) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!socket_.open() || socket_path_.size() >= sizeof(address.sun_path)) return;
  std::ranges::copy(socket_path_, address.sun_path);
  // A name in the abstract namespace is written with an @ in place of its zero byte.
  if (socket_path_.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path_.size());
  // A manager that does not listen is not waited for.
  sendto(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace lambdapool::supervisor
