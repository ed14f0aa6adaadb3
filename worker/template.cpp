#include "worker/template.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/template.h"
#include "protocol/unused_pages.h"
#include "worker/exit_status.h"
#include "worker/process.h"
#include "worker/pylib.h"
#include "worker/python/host.h"
#include "worker/python/interpreter.h"
#include "worker/serve.h"

namespace lambdapool::worker {
namespace {

using protocol::kTemplateFd;
using protocol::kWorkerDescriptors;

// The first packet, which holds the start frame; orders are short.
constexpr std::size_t kMaxFirstPacket = std::size_t{4} << 20;
constexpr std::size_t kMaxOrder = 256;
// After so long without an order the next one is not expected soon.
constexpr int kRestAfterMs = 1000;

void close_all(std::span<const int> descriptors) {
  for (const int fd : descriptors) close(fd);
}

// False: the supervisor is gone or has given this process up. Then the next read says so.
bool tell(const protocol::TemplateUp& message) {
  const std::string packet = protocol::encode(message);
  ssize_t count = 0;
  do {
    count = send(kTemplateFd, packet.data(), packet.size(), MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count >= 0;
}

int fail(const std::string& text) {
  tell(protocol::TemplateFailed{text});
  return kExitStartFailed;
}

// One packet with what was passed along; nothing at the end.
struct Order {
  std::string_view packet;
  std::vector<int> descriptors;
};
std::optional<Order> wait_order(std::vector<char>& buffer) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kWorkerDescriptors * sizeof(int))> control{};
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t count = 0;
  do {
    count = recvmsg(kTemplateFd, &header, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return std::nullopt;
  Order order{{buffer.data(), static_cast<std::size_t>(count)}, {}};
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t number = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    order.descriptors.resize(number);
    std::memcpy(order.descriptors.data(), CMSG_DATA(each), number * sizeof(int));
  }
  return order;
}

// Takes the numbers of a worker's descriptors, so that nothing of Python's or the lambda's is
// there.
void reserve_descriptors() {
  int fd = -1;
  do {
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (fd >= 0 && fd < static_cast<int>(kWorkerDescriptors));
  if (fd >= 0) close(fd);
}

// Makes the passed descriptors 0 to 5, in the place of the template's own.
void take_descriptors(std::span<const int> passed) {
  for (std::size_t i = 0; i < passed.size(); ++i) {
    if (dup2(passed[i], static_cast<int>(i)) < 0) _exit(kExitInternal);
  }
  close_all(passed);
}

struct Pipe {
  int reader = -1;
  int writer = -1;

  bool open() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    reader = ends[0];
    writer = ends[1];
    return true;
  }
  void close_reader() { close(std::exchange(reader, -1)); }
  void close_writer() { close(std::exchange(writer, -1)); }
  ~Pipe() {
    if (reader >= 0) close(reader);
    if (writer >= 0) close(writer);
  }
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
};

enum class Side { kTemplate, kWorker };

// In a new worker, until it goes on as any other.
void become_worker(Pipe& gate, std::span<const int> passed, std::span<char> arguments) {
  gate.close_writer();
  take_descriptors(passed);
  setsid();
  char go = 0;
  ssize_t count = 0;
  do {
    count = read(gate.reader, &go, 1);
  } while (count < 0 && errno == EINTR);
  // The template has died before it could say which process this is: nobody would know of it.
  if (count != 1) _exit(kExitClean);
  gate.close_reader();
  std::memset(arguments.data(), 0, arguments.size());
  prctl(PR_SET_NAME, "lambdapool-work");
}

// Forks one worker. The process in between ends at once, so that the worker becomes a child of the
// supervisor, which is a subreaper.
Side fork_worker(std::uint64_t id, std::span<const int> passed, std::span<char> arguments) {
  Pipe gate;
  Pipe told;
  if (!gate.open() || !told.open()) {
    tell(protocol::TemplateForked{id, 0});
    return Side::kTemplate;
  }
  const python::Fork fork_hooks;
  const pid_t between = fork();
  if (between == 0) {
    const pid_t worker = fork();
    if (worker == 0) {
      told.close_reader();
      told.close_writer();
      become_worker(gate, passed, arguments);
      fork_hooks.in_child();
      return Side::kWorker;
    }
    static_cast<void>(!write(told.writer, &worker, sizeof worker));
    _exit(kExitClean);
  }
  fork_hooks.in_parent();
  gate.close_reader();
  told.close_writer();
  pid_t worker = -1;
  if (between < 0 || read(told.reader, &worker, sizeof worker) != sizeof worker) worker = -1;
  while (between > 0 && waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (tell(protocol::TemplateForked{id, worker > 0 ? worker : 0})) {
    static_cast<void>(!write(gate.writer, "g", 1));
  }
  return Side::kTemplate;
}

// True: nothing came.
bool wait_in_vain() {
  pollfd order{.fd = kTemplateFd, .events = POLLIN, .revents = 0};
  return poll(&order, 1, kRestAfterMs) == 0;
}

// Takes orders until the supervisor has no more; workers return from here as well.
Side take_orders(std::vector<char>& buffer, std::span<char> arguments) {
  while (true) {
    if (wait_in_vain()) protocol::let_go_of_file_pages();
    const auto order = wait_order(buffer);
    if (!order) break;
    const auto id = protocol::decode_fork(order->packet);
    Side side = Side::kTemplate;
    if (id && order->descriptors.size() == kWorkerDescriptors) {
      side = fork_worker(*id, order->descriptors, arguments);
    }
    if (side == Side::kWorker) return side;
    close_all(order->descriptors);
    if (!id) break;
  }
  return Side::kTemplate;
}

}  // namespace

int serve_as_template(std::string_view mode, std::span<char> arguments) {
  prepare_process();
  fcntl(kTemplateFd, F_SETFD, FD_CLOEXEC);
  reserve_descriptors();
  prctl(PR_SET_NAME, "lambdapool-tmpl");
  std::vector<char> buffer(kMaxFirstPacket);
  const auto first = wait_order(buffer);
  if (!first || first->packet.size() < protocol::kHeaderBytes) end_without_supervisor();
  const std::string payload(first->packet.substr(protocol::kHeaderBytes));
  const auto message = protocol::decode_down(payload);
  const auto* start = message ? std::get_if<protocol::Start>(&*message) : nullptr;
  if (start == nullptr || start->version != protocol::kVersion) {
    return fail("it speaks another version; supervisor and worker must be of one installation");
  }
  const auto interpreter = start_interpreter(*start);
  if (!interpreter) return fail(interpreter.error());
  const std::string pylib = start->pylib.empty() ? find_pylib() : std::string(start->pylib);
  const std::string fault = python::preload(*start, pylib, mode == "lambda",
                                            [](std::string_view level, std::string_view text) {
                                              tell(protocol::TemplateLog{level, text});
                                            });
  if (!fault.empty()) return fail(fault);
  buffer.resize(kMaxOrder);
  buffer.shrink_to_fit();
  tell(protocol::TemplateReady{});
  if (take_orders(buffer, arguments) == Side::kTemplate) end_process(kExitClean);
  return serve();
}

}  // namespace lambdapool::worker
