#include "supervisor/uv/tcp_listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

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
    return "cannot listen on " + name +
           ": the port is in use; stop what uses it or choose another with --port";
  }
  return "cannot listen on " + name + ": " + std::strerror(error);
}

}  // namespace

std::expected<std::unique_ptr<TcpListener>, std::string> TcpListener::bind(Loop& loop,
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
                           "; check server.host");
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

  std::unique_ptr<TcpListener> listener(new TcpListener);
  listener->name_ = name;
  listener->handle_.reset(new uv_tcp_t);
  uv_tcp_init(loop.get(), listener->handle_.get());
  listener->handle_->data = listener.get();
  if (const int result = uv_tcp_open(listener->handle_.get(), socket.get()); result != 0) {
    return std::unexpected("cannot listen on " + name + ": " + uv_strerror(result));
  }
  socket.release();  // libuv closes it from here on.
  return listener;
}

std::expected<void, std::string> TcpListener::listen(int backlog,
                                                     std::function<void(uv_stream_t*)> connected) {
  connected_ = std::move(connected);
  const int result = uv_listen(reinterpret_cast<uv_stream_t*>(handle_.get()), backlog,
                               [](uv_stream_t* server, int status) {
                                 auto* self = static_cast<TcpListener*>(server->data);
                                 if (self != nullptr && status == 0) self->connected_(server);
                               });
  if (result != 0) return std::unexpected(why(-result, name_));
  return {};
}

std::uint16_t TcpListener::port() const {
  sockaddr_storage address{};
  int size = sizeof(address);
  uv_tcp_getsockname(handle_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace lambdapool::supervisor::uv
