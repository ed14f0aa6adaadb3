// The frames between the supervisor and one worker, over one socketpair.
//
// What is sent during a turn of the loop leaves in one write at its end. A worker that does not
// read makes `unsent` grow and nothing else; a worker that writes too fast is read a bounded amount
// per turn. Descriptors go down only: what a worker sends of them is dropped. Invariant: after
// on_protocol_error or on_channel_closed no further event comes.
#pragma once

#include <string>
#include <string_view>

#include "protocol/codec.h"
#include "protocol/frame_decoder.h"
#include "protocol/passed_descriptors.h"
#include "supervisor/pool/body.h"
#include "supervisor/pool/known_memories.h"
#include "supervisor/uv/before_wait.h"
#include "supervisor/uv/file_descriptor.h"
#include "supervisor/uv/poll.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

// None of these may destroy the channel before it has returned.
class ChannelEvents {
 public:
  virtual void on_message(const protocol::Up& message) = 0;
  virtual void on_protocol_error(std::string_view what) = 0;
  virtual void on_channel_closed() = 0;

 protected:
  ~ChannelEvents() = default;
};

class WorkerChannel {
 public:
  // `socket` is non-blocking.
  WorkerChannel(uv::Loop& loop, uv::FileDescriptor socket, ChannelEvents& events);

  template <class Message>
  void send(const Message& message) {
    protocol::append(out_, message);
    ++frames_sent_;
  }
  // A message that names the descriptor.
  template <class Message>
  void send_with(const Message& message, uv::FileDescriptor descriptor) {
    outgoing_.add(position_ + unsent(), std::move(descriptor));
    send(message);
  }
  void send_request(std::uint64_t id, std::uint32_t slot, std::uint32_t time_left_ms,
                    std::string_view request_fields, std::string_view body) {
    protocol::append_request(out_, id, slot, time_left_ms, request_fields, body);
    ++frames_sent_;
  }
  // The body stays in its memory, if it has some.
  void send_request(std::uint64_t id, std::uint32_t slot, std::uint32_t time_left_ms,
                    std::string_view request_fields, Body& body);
  // The worker has not got the memory of that number.
  void memory_refused(std::uint64_t number) {
    if (memories_.drop(number)) forget_memory(number);
  }

  std::size_t unsent() const { return out_.size() - sent_; }
  std::uint64_t frames_sent() const { return frames_sent_; }

  // Takes what the worker left behind when it died, up to end-of-file or until nothing more is
  // there.
  void drain();

  // Stops all events: the worker is not to be believed any more.
  void close();

 private:
  void on_ready(uv::Watch what);
  void read(std::size_t most);
  bool decode();
  void flush();
  void forget_memory(std::uint64_t number) { send(protocol::MemoryForgotten{number}); }
  void forget_unused();

  uv::FileDescriptor socket_;
  ChannelEvents& events_;
  uv::Poll poll_;
  uv::BeforeWait turn_end_;
  protocol::FrameDecoder decoder_;
  protocol::OutgoingDescriptors outgoing_;
  KnownMemories memories_;
  uv::Timer memories_timer_;
  std::string out_;
  std::size_t sent_ = 0;
  std::uint64_t position_ = 0;  // Of out_'s first unsent byte in the stream.
  std::uint64_t frames_sent_ = 0;
  bool open_ = true;
};

}  // namespace lambdapool::supervisor
