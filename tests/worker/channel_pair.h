// Both ends of a worker's channel in one process: the test plays the supervisor.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/frame_decoder.h"
#include "protocol/vitals.h"
#include "worker/channel/channel_io.h"

namespace lambdapool::worker {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

// The next whole payload; empty, which no payload is, when there is none.
inline std::string payload_of(
    const std::expected<std::optional<std::string_view>, protocol::FrameError>& frame) {
  const std::optional<std::string_view> payload = frame.value_or(std::nullopt);
  return std::string(payload.value_or(std::string_view()));
}
inline std::string next_payload(protocol::FrameDecoder& decoder) {
  return payload_of(decoder.next());
}
inline std::string next_payload(ChannelIo& io) { return payload_of(io.next_frame()); }

class ChannelPair {
 public:
  ChannelPair() {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    worker_ = ends[0];
    supervisor_ = ends[1];
  }
  ChannelPair(const ChannelPair&) = delete;
  ChannelPair& operator=(const ChannelPair&) = delete;
  ~ChannelPair() {
    close(worker_);
    hang_up();
  }

  int worker_fd() const { return worker_; }
  int supervisor_fd() const { return supervisor_; }

  void send_bytes(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(supervisor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) std::abort();
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  template <class Message>
  void send(const Message& message) {
    std::string bytes;
    protocol::append(bytes, message);
    send_bytes(bytes);
  }

  // Takes everything that is there now, as whole frames' payloads.
  const std::vector<std::string>& read_frames() {
    for (;;) {
      const auto space = decoder_.space();
      const ssize_t count = recv(supervisor_, space.data(), space.size(), MSG_DONTWAIT);
      if (count <= 0) return frames_;
      decoder_.filled(static_cast<std::size_t>(count));
      for (std::string payload = next_payload(decoder_); !payload.empty();) {
        frames_.push_back(std::move(payload));
        payload = next_payload(decoder_);
      }
    }
  }
  // How many bytes wait to be read.
  std::size_t readable() const {
    std::string room(std::size_t{4} << 20, '\0');
    const ssize_t count = recv(supervisor_, room.data(), room.size(), MSG_DONTWAIT | MSG_PEEK);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  // The message of type T in frame `index`; views point into frames_.
  template <class Message>
  Message message(std::size_t index) const {
    return std::get<Message>(protocol::decode_up(frames_.at(index)).value());
  }

  void hang_up() {
    if (supervisor_ >= 0) close(std::exchange(supervisor_, -1));
  }

  // Queues a log line over and over until the socket takes no more.
  static void fill(ChannelIo& io) {
    const std::string text(4096, 'x');
    while (io.write() != WriteState::kBlocked) {
      io.queue(protocol::Response{.id = 1, .status = 200, .headers = {}, .body = text});
    }
  }

 private:
  int worker_ = -1;
  int supervisor_ = -1;
  protocol::FrameDecoder decoder_{protocol::kMaxFrameBytes};
  std::vector<std::string> frames_;
};

inline Descriptor make_vitals_memory(std::uint32_t window) {
  Descriptor memory(memfd_create("vitals", MFD_CLOEXEC));
  if (ftruncate(memory.get(), static_cast<off_t>(protocol::vitals_bytes(window))) != 0)
    std::abort();
  return memory;
}

}  // namespace lambdapool::worker
