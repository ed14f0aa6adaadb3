#include "supervisor/uv/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor::uv {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

std::string url(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string why(int error, const std::string& name) {
  if (error == EADDRINUSE) {
    return "cannot listen on " + name + ": the port is in use; stop what uses it or choose another";
  }
  return "cannot listen on " + name + ": " + std::strerror(error);
}

std::optional<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::ranges::copy(path, address.sun_path);
  return address;
}

// What is in the place of a unix socket. One that refuses was left behind by a program that died.
enum class Occupant { kNothing, kDeadSocket, kLivingSocket, kOther };

Occupant look_at(const std::string& path) {
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0) return Occupant::kNothing;
  if (!S_ISSOCK(found.st_mode)) return Occupant::kOther;
  const auto address = unix_address(path);
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // Nobody can tell, so it is left alone.
  if (!address || !socket.open()) return Occupant::kLivingSocket;
  const bool refused = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address),
                                 sizeof(*address)) != 0 &&
                       errno == ECONNREFUSED;
  return refused ? Occupant::kDeadSocket : Occupant::kLivingSocket;
}

constexpr int kUnixBacklog = 64;

}  // namespace

std::expected<std::unique_ptr<Listener>, std::string> Listener::bind(Loop& loop,
                                                                     const std::string& host,
                                                                     std::uint16_t port) {
  const std::string name = url(host, port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  // Blocks for as long as a name server takes, before the loop runs.
  if (const int result = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
      result != 0) {
    return std::unexpected("cannot listen on " + name + ": " + gai_strerror(result) +
                           "; check the address");
  }
  const Addresses addresses(found);

  // libuv reports an address in use only when it listens, so the socket is bound here.
  FileDescriptor socket(
      ::socket(addresses->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (!socket.open() ||
      setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
      ::bind(socket.get(), addresses->ai_addr, addresses->ai_addrlen) != 0) {
    return std::unexpected(why(errno, name));
  }

  std::unique_ptr<Listener> listener(new Listener);
  listener->name_ = name;
  listener->handle_ = make_stream(loop.get(), UV_TCP);
  listener->handle_->data = listener.get();
  if (const int result =
          uv_tcp_open(reinterpret_cast<uv_tcp_t*>(listener->handle_.get()), socket.get());
      result != 0) {
    return std::unexpected("cannot listen on " + name + ": " + uv_strerror(result));
  }
  socket.release();  // libuv closes it from here on.
  return listener;
}

std::expected<std::unique_ptr<Listener>, std::string> Listener::bind_unix(Loop& loop,
                                                                          const std::string& path,
                                                                          unsigned mode) {
  const auto failed = [&path](const std::string& why) {
    return std::unexpected("cannot listen on " + path + ": " + why);
  };
  const auto address = unix_address(path);
  if (!address) return failed("the path is longer than 107 bytes");
  switch (look_at(path)) {
    case Occupant::kNothing:
    case Occupant::kDeadSocket:
      break;
    case Occupant::kLivingSocket:
      return failed("a running program listens there; stop it or choose another path");
    case Occupant::kOther:
      return failed(
          "the path is taken by something that is no socket; remove it or choose another");
  }

  // It gets its name when it is complete: nobody ever sees one with another mode, or one that
  // refuses although its program lives.
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string unfinished = folder + "/." + std::to_string(getpid());
  const auto first_address = unix_address(unfinished);
  if (!first_address) return failed("the path is longer than 107 bytes");
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  struct stat made{};
  ::unlink(unfinished.c_str());
  if (!socket.open() || fchmod(socket.get(), mode) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*first_address),
             sizeof(*first_address)) != 0 ||
      chmod(unfinished.c_str(), mode) != 0 || ::listen(socket.get(), kUnixBacklog) != 0 ||
      lstat(unfinished.c_str(), &made) != 0 || rename(unfinished.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(unfinished.c_str());
    return failed(std::strerror(error));
  }

  std::unique_ptr<Listener> listener(new Listener);
  listener->name_ = path;
  listener->path_ = path;
  listener->inode_ = made.st_ino;
  listener->handle_ = make_stream(loop.get(), UV_NAMED_PIPE);
  listener->handle_->data = listener.get();
  if (const int result =
          uv_pipe_open(reinterpret_cast<uv_pipe_t*>(listener->handle_.get()), socket.get());
      result != 0) {
    return failed(uv_strerror(result));
  }
  socket.release();  // libuv closes it from here on.
  return listener;
}

Listener::~Listener() {
  // Another program may have taken the place meanwhile.
  struct stat found{};
  if (!path_.empty() && lstat(path_.c_str(), &found) == 0 && found.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

std::expected<void, std::string> Listener::listen(int backlog,
                                                  std::function<void(uv_stream_t*)> connected) {
  connected_ = std::move(connected);
  const int result = uv_listen(handle_.get(), backlog, [](uv_stream_t* server, int status) {
    auto* self = static_cast<Listener*>(server->data);
    if (self != nullptr && status == 0) self->connected_(server);
  });
  if (result != 0) return std::unexpected(why(-result, name_));
  return {};
}

std::uint16_t Listener::port() const {
  if (handle_->type != UV_TCP) return 0;
  sockaddr_storage address{};
  int size = sizeof(address);
  uv_tcp_getsockname(reinterpret_cast<const uv_tcp_t*>(handle_.get()),
                     reinterpret_cast<sockaddr*>(&address), &size);
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace lambdapool::supervisor::uv
