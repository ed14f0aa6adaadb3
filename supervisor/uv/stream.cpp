#include "supervisor/uv/stream.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>

namespace lambdapool::supervisor::uv {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;
// In one turn of the loop, so that others have theirs.
constexpr std::size_t kWriteBytes = std::size_t{4} << 20;
constexpr std::size_t kPieceBytes = std::size_t{16} << 10;

uv_buf_t as_buffer(std::string_view bytes) {
  return uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
}

}  // namespace

// A write that had to wait, with a copy of its bytes.
struct Stream::PendingWrite {
  uv_write_t request{};
  std::string bytes;
};

// Reads of all connections share one buffer, unless they have a better place: a callback takes what
// it needs out of it before it returns.
void Stream::lend_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  static std::array<char, kReadBytes> shared;
  auto* self = static_cast<Stream*>(handle->data);
  std::span<char> space = self == nullptr ? std::span<char>() : self->events_.read_space();
  if (space.empty()) space = shared;
  *buffer = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
}

std::unique_ptr<Stream> Stream::accept(uv_stream_t* server, StreamEvents& events) {
  std::unique_ptr<Stream> stream(new Stream(events));
  stream->handle_ = make_stream(server->loop, server->type);
  if (uv_accept(server, stream->handle_.get()) != 0) return nullptr;
  stream->handle_->data = stream.get();
  if (server->type == UV_TCP) {
    uv_tcp_nodelay(reinterpret_cast<uv_tcp_t*>(stream->handle_.get()), 1);
  }
  return stream;
}

int Stream::descriptor() const {
  uv_os_fd_t descriptor = -1;
  uv_fileno(reinterpret_cast<const uv_handle_t*>(handle_.get()), &descriptor);
  return descriptor;
}

void Stream::start_reading() {
  if (reading_) return;
  reading_ = true;
  uv_read_start(handle_.get(), &lend_buffer,
                [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
                  auto* self = static_cast<Stream*>(handle->data);
                  if (self == nullptr || count == 0) return;
                  if (count > 0) {
                    self->events_.on_read({buffer->base, static_cast<std::size_t>(count)});
                    return;
                  }
                  self->stop_reading();
                  if (count == UV_EOF) {
                    self->events_.on_end();
                  } else {
                    self->events_.on_broken();
                  }
                });
}

void Stream::stop_reading() {
  if (!reading_) return;
  reading_ = false;
  uv_read_stop(handle_.get());
}

void Stream::write(std::string_view head, std::string_view body) {
  if (content_) {
    // It goes first, and is libuv's from now on.
    content_->keep();
    write_later(content_->rest(), {});
    content_.reset();
  }
  if (unsent() > 0) return write_later(head, body);
  std::array<uv_buf_t, 2> buffers{as_buffer(head), as_buffer(body)};
  const int sent = uv_try_write(handle_.get(), buffers.data(), body.empty() ? 1 : 2);
  auto done = sent < 0 ? std::size_t{0} : static_cast<std::size_t>(sent);
  if (done == head.size() + body.size()) return;
  if (done < head.size()) return write_later(head.substr(done), body);
  write_later(body.substr(done - head.size()), {});
}

void Stream::write(std::string_view head, std::unique_ptr<Content> body) {
  if (unsent() > 0) {
    write(head);
  } else {
    std::array<uv_buf_t, 2> buffers{as_buffer(head), as_buffer(body->rest())};
    const int sent = uv_try_write(handle_.get(), buffers.data(), 2);
    const auto done = sent < 0 ? std::size_t{0} : static_cast<std::size_t>(sent);
    if (done < head.size()) {
      write_later(head.substr(done), {});
    } else {
      body->sent(done - head.size());
      if (body->rest().empty()) return;
    }
  }
  content_ = std::move(body);
  if (handle_->write_queue_size == 0) write_content();
}

// Sends what the socket takes, a bounded amount. While there is more, libuv has a small piece of it
// to send, and so tells when the socket takes more.
void Stream::write_content() {
  std::size_t most = kWriteBytes;
  while (most > 0 && !content_->rest().empty()) {
    const uv_buf_t buffer = as_buffer(content_->rest().substr(0, most));
    const int sent = uv_try_write(handle_.get(), &buffer, 1);
    if (sent == UV_EFAULT) {
      content_->keep();
      continue;
    }
    // Any other error than EAGAIN comes again with the piece.
    if (sent <= 0) break;
    content_->sent(static_cast<std::size_t>(sent));
    most -= static_cast<std::size_t>(sent);
  }
  if (content_->rest().empty()) return content_.reset();
  std::array<char, kPieceBytes> piece;
  const std::size_t count = content_->copy(piece);
  content_->sent(count);
  write_later({piece.data(), count}, {});
}

void Stream::on_written() {
  if (content_ && handle_->write_queue_size == 0) write_content();
  if (unsent() > 0) return;
  if (finishing_) shut_down();
  events_.on_drained();
}

void Stream::write_later(std::string_view first, std::string_view second) {
  auto pending = std::make_unique<PendingWrite>();
  pending->bytes.reserve(first.size() + second.size());
  pending->bytes.append(first).append(second);
  pending->request.data = pending.get();
  const uv_buf_t buffer = as_buffer(pending->bytes);
  const int result =
      uv_write(&pending->request, handle_.get(), &buffer, 1, [](uv_write_t* request, int status) {
        const std::unique_ptr<PendingWrite> done(static_cast<PendingWrite*>(request->data));
        auto* self = static_cast<Stream*>(request->handle->data);
        if (self == nullptr) return;
        if (status < 0) {
          self->events_.on_broken();
        } else {
          self->on_written();
        }
      });
  // A failure here is one that the next read reports as well.
  if (result == 0)
    pending.release();  // NOLINT(bugprone-unused-return-value): libuv holds it until the callback.
}

std::size_t Stream::unacknowledged() const {
  int in_kernel = 0;
  if (ioctl(descriptor(), SIOCOUTQ, &in_kernel) != 0) return unsent();
  return unsent() + static_cast<std::size_t>(in_kernel);
}

void Stream::finish_writing() {
  finishing_ = true;
  // libuv itself waits for what it holds, and knows of nothing else.
  if (!content_) shut_down();
}

void Stream::shut_down() {
  finishing_ = false;
  auto request = std::make_unique<uv_shutdown_t>();
  const int result =
      uv_shutdown(request.get(), handle_.get(), [](uv_shutdown_t* done, int) { delete done; });
  if (result == 0)
    request.release();  // NOLINT(bugprone-unused-return-value): libuv holds it until the callback.
}

void Stream::reset_when_closed() {
  // A unix socket knows no reset; its peer sees that the answer is not whole.
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

bool Stream::has_unread() const {
  int bytes = 0;
  return ioctl(descriptor(), FIONREAD, &bytes) == 0 && bytes > 0;
}

PeerState Stream::peer_state() const {
  if (handle_->type == UV_NAMED_PIPE) {
    pollfd polled{.fd = descriptor(), .events = 0, .revents = 0};
    const bool gone = ::poll(&polled, 1, 0) != 0 && (polled.revents & (POLLHUP | POLLERR)) != 0;
    return gone ? PeerState::kGone : PeerState::kThere;
  }
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(descriptor(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return PeerState::kGone;
  return info.tcpi_state == TCP_CLOSE ? PeerState::kGone : PeerState::kThere;
}

std::string Stream::peer_address() const {
  if (handle_->type == UV_NAMED_PIPE) return "unix";
  sockaddr_storage address{};
  int size = sizeof(address);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (uv_tcp_getpeername(reinterpret_cast<const uv_tcp_t*>(handle_.get()),
                         reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return {};
  }
  if (address.ss_family == AF_INET) {
    uv_ip4_name(reinterpret_cast<const sockaddr_in*>(&address), text.data(), text.size());
  } else if (address.ss_family == AF_INET6) {
    uv_ip6_name(reinterpret_cast<const sockaddr_in6*>(&address), text.data(), text.size());
  }
  return text.data();
}

std::optional<std::uint32_t> Stream::peer_user() const {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (handle_->type != UV_NAMED_PIPE ||
      getsockopt(descriptor(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return std::nullopt;
  }
  return peer.uid;
}

}  // namespace lambdapool::supervisor::uv
