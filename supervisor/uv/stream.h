// One accepted connection, TCP or unix.
//
// Invariant: the events object outlives the stream, and may destroy it only through Loop::retire or
// from outside of its callbacks. What `write` could not send at once is copied and sent in order;
// Content is not copied.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "supervisor/uv/loop.h"
#include "supervisor/uv/stream_handle.h"

namespace lambdapool::supervisor::uv {

class StreamEvents {
 public:
  // Where the next bytes shall be read to; empty: anywhere.
  virtual std::span<char> read_space() { return {}; }
  // The bytes are valid during the call.
  virtual void on_read(std::string_view bytes) = 0;
  // The peer sends no more; it may still read.
  virtual void on_end() = 0;
  // The connection is broken: reset, or a write that failed.
  virtual void on_broken() = 0;
  // Everything written has gone to the kernel, after it had to wait.
  virtual void on_drained() = 0;

 protected:
  ~StreamEvents() = default;
};

// Bytes that are sent from where they are, and stay there until they are.
class Content {
 public:
  Content() = default;
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  virtual ~Content() = default;

  // What is not sent yet; for system calls alone, which may say EFAULT, until keep() was called.
  virtual std::string_view rest() const = 0;
  virtual void sent(std::size_t bytes) = 0;
  // The first bytes of the rest, as many as there are. Says how many.
  virtual std::size_t copy(std::span<char> to) const = 0;
  // Makes a copy of the rest its own and lets go of where it was.
  virtual void keep() = 0;
};

enum class PeerState { kThere, kGone };

class Stream {
 public:
  // Takes the next connection off the listening socket; null when there is none.
  static std::unique_ptr<Stream> accept(uv_stream_t* server, StreamEvents& events);

  void start_reading();
  void stop_reading();

  // Sends `head` and then `body`.
  void write(std::string_view head, std::string_view body = {});
  void write(std::string_view head, std::unique_ptr<Content> body);
  std::size_t unsent() const {
    return handle_->write_queue_size + (content_ ? content_->rest().size() : 0);
  }
  // As `unsent`, with what the kernel holds and the peer has not acknowledged: it changes while the
  // peer reads.
  std::size_t unacknowledged() const;
  // Ends our direction after what was written.
  void finish_writing();

  // Makes the end of the connection one that its peer cannot take for an orderly one.
  void reset_when_closed();

  // Whether bytes have come that nobody has read yet.
  bool has_unread() const;
  // Whether the kernel knows by now that the peer has reset the connection.
  PeerState peer_state() const;
  // The peer's address without its port, "unix" for a unix socket; empty when it is unknown.
  std::string peer_address() const;
  // The user of the process that connected to a unix socket; nobody when it is unknown.
  std::optional<std::uint32_t> peer_user() const;

 private:
  struct PendingWrite;
  explicit Stream(StreamEvents& events) : events_(events) {}
  int descriptor() const;
  static void lend_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buffer);
  void write_later(std::string_view first, std::string_view second);
  void write_content();
  void on_written();
  void shut_down();

  StreamEvents& events_;
  StreamPtr handle_;
  std::unique_ptr<Content> content_;  // Goes out after what libuv holds.
  bool finishing_ = false;
  bool reading_ = false;
};

}  // namespace lambdapool::supervisor::uv
