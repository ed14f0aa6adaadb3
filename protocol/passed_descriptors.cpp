#include "protocol/passed_descriptors.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace lambdapool::protocol {
namespace {

constexpr std::size_t kMostWaiting = 2;
// Room for one: of more that come at once the kernel closes all but the first, and says so.
constexpr std::size_t kControlBytes = CMSG_LEN(sizeof(int));

}  // namespace

ssize_t OutgoingDescriptors::send(int socket, std::string_view bytes, std::uint64_t position) {
  const bool with_descriptor = !waiting_.empty() && waiting_.front().position == position;
  const std::size_t next = with_descriptor ? 1 : 0;
  if (waiting_.size() > next) bytes = bytes.substr(0, waiting_[next].position - position);
  if (!with_descriptor)
    return ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);

  const int descriptor = waiting_.front().descriptor.get();
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  const ssize_t count = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count > 0) waiting_.pop_front();
  if (count < 0 && errno == ETOOMANYREFS) errno = EAGAIN;
  return count;
}

ssize_t IncomingDescriptors::receive(int socket, std::span<char> space) {
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  iovec part{.iov_base = space.data(), .iov_len = space.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) return count;

  const bool cut = (message.msg_flags & MSG_CTRUNC) != 0;
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len >= CMSG_LEN(sizeof(int))) {
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof(int));
    waiting_.emplace_back(descriptor);
    surplus_ = surplus_ || cut;
  } else if (cut) {
    waiting_.emplace_back();
  }
  if (waiting_.size() > kMostWaiting) {
    surplus_ = true;
    waiting_.resize(kMostWaiting);
  }
  return count;
}

std::optional<FileDescriptor> IncomingDescriptors::take() {
  if (waiting_.empty()) return std::nullopt;
  FileDescriptor first = std::move(waiting_.front());
  waiting_.pop_front();
  return first;
}

}  // namespace lambdapool::protocol
