#include "supervisor/pool/worker_plumbing.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace lambdapool::supervisor {
namespace {

std::unexpected<std::string> failed(const char* call) {
  return std::unexpected(std::string(call) + ": " + std::strerror(errno));
}

}  // namespace

std::expected<WorkerPlumbing, std::string> WorkerPlumbing::create() {
  WorkerPlumbing made;
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return failed("socketpair");
  }
  made.channel = uv::FileDescriptor(ends[0]);
  made.worker_channel = uv::FileDescriptor(ends[1]);
  // Pipes rather than sockets, so that a lambda can open /dev/stdout.
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return failed("pipe");
  made.out = uv::FileDescriptor(ends[0]);
  made.worker_out = uv::FileDescriptor(ends[1]);
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return failed("pipe");
  made.err = uv::FileDescriptor(ends[0]);
  made.worker_err = uv::FileDescriptor(ends[1]);
  // Each end is an open file of its own: this touches ours only.
  for (const auto* ours : {&made.channel, &made.out, &made.err}) {
    if (fcntl(ours->get(), F_SETFL, O_NONBLOCK) != 0) return failed("fcntl");
  }
  return made;
}

}  // namespace lambdapool::supervisor
