// Descriptors that travel with frames over the socketpair, one with the first byte of the frame
// that names it. The only system calls of this library are here: both ends must do the same.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/file_descriptor.h"

namespace lambdapool::protocol {

// What waits to be sent. Positions count all bytes of the stream.
class OutgoingDescriptors {
 public:
  // The frame at `position`, which nothing of has been sent, names it.
  void add(std::uint64_t position, FileDescriptor descriptor) {
    waiting_.push_back({position, std::move(descriptor)});
  }
  bool empty() const { return waiting_.empty(); }

  // As send(2) without waiting, with the bytes from `position` on: sends no further than up to the
  // next descriptor, or that descriptor with what follows it. EAGAIN is also what it says when the
  // kernel holds too many descriptors that have not been received.
  ssize_t send(int socket, std::string_view bytes, std::uint64_t position);

 private:
  struct Waiting {
    std::uint64_t position;
    FileDescriptor descriptor;
  };
  std::deque<Waiting> waiting_;
};

// What has come and is not taken. It holds two at most: the one of the frame that is being
// received, and the one of the frame behind it, when the end of the former has come with it.
class IncomingDescriptors {
 public:
  // As recv(2) without waiting.
  ssize_t receive(int socket, std::span<char> space);

  // The one that belongs to the next frame that names one; nothing when none has come. One that is
  // not open has come, but this process has no room for more.
  std::optional<FileDescriptor> take();

  // Whether more have come than frames can name. `between_frames`: nothing of a frame is held.
  bool surplus(bool between_frames) const {
    return surplus_ || (between_frames && !waiting_.empty());
  }

 private:
  std::deque<FileDescriptor> waiting_;
  bool surplus_ = false;
};

}  // namespace lambdapool::protocol
