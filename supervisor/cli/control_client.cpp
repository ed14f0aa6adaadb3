#include "supervisor/cli/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "supervisor/config/values.h"
#include "supervisor/control/socket_path.h"
#include "supervisor/pool/process_state.h"

namespace lambdapool::supervisor {
namespace {

using Clock = std::chrono::steady_clock;

// More than any answer of a supervisor.
constexpr std::size_t kMaxAnswer = std::size_t{64} << 20;
constexpr std::chrono::seconds kSendLimit{10};

std::string why_not_connected(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
      return "no supervisor listens at " + path +
             ": there is no such file. Is it running, and is its control.socket this one?";
    case ECONNREFUSED:
      return "no supervisor listens at " + path + ": the one that made it has ended";
    case EACCES:
    case EPERM:
      return "no permission for " + path + ": run this as the user of the supervisor or as root";
    case ENOTSOCK:
    case EPROTOTYPE:
      return path + " is not the control socket of a supervisor";
    default:
      return "cannot connect to " + path + ": " + std::strerror(error);
  }
}

// Whether it became ready; no limit waits for as long as it takes.
bool wait_for(int descriptor, short events, std::optional<Clock::time_point> deadline) {
  while (true) {
    int left = -1;
    if (deadline) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
      left = static_cast<int>(std::max<std::int64_t>(rest.count(), 0));
    }
    pollfd polled{.fd = descriptor, .events = events, .revents = 0};
    const int result = poll(&polled, 1, left);
    if (result > 0) return true;
    if (result == 0) return false;
    if (errno != EINTR) return false;
  }
}

}  // namespace

std::expected<std::string, std::string> find_control_socket() {
  const auto sockets = find_control_sockets();
  if (sockets.size() == 1) return sockets.front();
  if (sockets.empty()) {
    std::string text =
        "no supervisor of this user is running; give its control socket with --socket if it is "
        "elsewhere";
    if (geteuid() != 0 && !service_folders().empty()) {
      text += ", or use sudo for the one that systemd runs";
    }
    return std::unexpected(text);
  }
  std::string text = "several supervisors are running; say which one with --socket:";
  for (const std::string& path : sockets) text.append("\n  --socket ").append(path);
  return std::unexpected(text);
}

std::expected<ControlClient, std::string> ControlClient::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return std::unexpected("the path of a socket has 1 to 107 bytes: " + path);
  }
  std::ranges::copy(path, address.sun_path);
  // A file of another kind refuses as a dead supervisor's socket does.
  struct stat found{};
  if (stat(path.c_str(), &found) == 0 && !S_ISSOCK(found.st_mode)) {
    return std::unexpected(why_not_connected(path, ENOTSOCK));
  }
  uv::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.open()) return std::unexpected(std::string("socket: ") + std::strerror(errno));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return std::unexpected(why_not_connected(path, errno));
  }
  ucred peer{};
  socklen_t size = sizeof(peer);
  const uid_t own = geteuid();
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      (own != 0 && peer.uid != own && peer.uid != 0)) {
    return std::unexpected(path + " belongs to a process of another user (uid " +
                           std::to_string(peer.uid) + "), which is not trusted");
  }
  return ControlClient(path, std::move(socket), peer.pid);
}

std::string ControlClient::no_answer(std::chrono::milliseconds limit) const {
  std::string text = "no answer from " + path_ + " within " + format_duration(limit);
  const auto state = peer_ > 0 ? process_state(peer_) : std::nullopt;
  if (state && state->stopped) {
    const std::string pid = std::to_string(peer_);
    text += ": the supervisor (pid " + pid + ") is stopped; `kill -CONT " + pid +
            "` lets it go on, and then it may still do what was asked";
  } else {
    text +=
        ": the supervisor is busy or hangs, or it is another program; --timeout waits longer. What "
        "was asked may still be done: see `lambdapool status`";
  }
  return text;
}

std::expected<std::string, std::string> ControlClient::ask(
    const std::string& line, std::optional<std::chrono::milliseconds> limit) {
  const std::string ended =
      "the supervisor at " + path_ + " ended the connection without an answer";
  std::string to_send = line + "\n";
  while (!to_send.empty()) {
    if (!wait_for(socket_.get(), POLLOUT, Clock::now() + kSendLimit)) {
      return std::unexpected("what listens at " + path_ + " takes no request");
    }
    const ssize_t sent = send(socket_.get(), to_send.data(), to_send.size(), MSG_NOSIGNAL);
    // A supervisor that refuses has said why before it closed.
    if (sent < 0) break;
    to_send.erase(0, static_cast<std::size_t>(sent));
  }
  const auto deadline = limit ? std::optional(Clock::now() + *limit) : std::nullopt;
  std::size_t searched = 0;
  while (true) {
    const auto end = received_.find('\n', searched);
    if (end != std::string::npos) {
      std::string answer = received_.substr(0, end);
      received_.erase(0, end + 1);
      const auto object = parse_json(answer);
      if (!object || member(*object, "ok") == nullptr) break;
      return answer;
    }
    searched = received_.size();
    if (searched > kMaxAnswer) break;
    if (!wait_for(socket_.get(), POLLIN, deadline)) {
      return std::unexpected(no_answer(limit.value_or(std::chrono::milliseconds{0})));
    }
    std::array<char, 65536> buffer{};
    const ssize_t count = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) {
      return std::unexpected(
          received_.empty() ? ended : "what listens at " + path_ + " is no lambdapool supervisor");
    }
    received_.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return std::unexpected("what listens at " + path_ + " is no lambdapool supervisor");
}

void ControlClient::wait_for_end() {
  std::array<char, 4096> buffer{};
  while (wait_for(socket_.get(), POLLIN, std::nullopt)) {
    if (recv(socket_.get(), buffer.data(), buffer.size(), 0) <= 0) return;
  }
}

}  // namespace lambdapool::supervisor
