// The channel as the asyncio loop drives it: bytes that come become calls, answers that are made
// become bytes.
//
// On the loop's thread, when the descriptor is readable, it takes a bounded amount of input and
// calls the host's handlers for each whole frame, and then its on_taken(), which begins what has
// come. What is queued meanwhile leaves in one write at the end, or sooner when that takes long;
// what is queued at another time leaves in one write in the loop's next turn; what the socket does
// not take waits until it is writable. Invariants:
//   While bytes wait and a loop is attached, a flush or the writer callback is scheduled on it, or
//   a receive() is on the stack that ends with a write. Every method runs under the GIL, which
//   alone guards the state; flush() lets go of it only while the state is whole.
#pragma once

#include <Python.h>

#include <chrono>
#include <cstdint>

#include "protocol/message.h"
#include "worker/channel/channel_io.h"
#include "worker/channel/vitals_page.h"
#include "worker/python/reference.h"

namespace lambdapool::worker::python {

class Channel {
 public:
  // What the loop is given to call: bound to receive(), write_scheduled() and write().
  struct Callbacks {
    Reference receive;
    Reference flush;
    Reference writable;
  };
  struct Handlers {
    Reference on_request;
    Reference on_cancel;
    Reference on_shutdown;
    Reference on_credit;  // Null when the host streams nothing.
    Reference on_stacks;  // Null when the host has none to tell.
    Reference on_taken;   // After the others, when all that had come is taken. Null: not asked for.
    Reference on_log_level;  // Null when the host logs nothing.
    // When answers that were made in on_taken() are about to leave: what it queues leaves with
    // them.
    Reference before_answers;  // Null when nothing must.
  };

  Channel(ChannelIo& io, VitalsPage& vitals) : io_(io), vitals_(vitals) {}

  ChannelIo& io() { return io_; }
  VitalsPage& vitals() { return vitals_; }

  bool is_attached() const { return loop_ != nullptr; }
  // False: an exception is pending, and nothing is attached.
  bool attach(PyObject* loop, Handlers handlers, Callbacks callbacks);
  bool detach();

  void receive();
  void write();
  void write_scheduled();

  // Sees to it that what was queued leaves soon.
  void output_queued();
  // Writes everything, waiting without the GIL.
  WriteState flush(std::chrono::milliseconds limit);

  int traverse(visitproc visit, void* arg);
  void clear();

 private:
  void take_input();
  void take_frames();
  void start_taken();
  void call_before_answers();
  void deliver(const protocol::Start& start);
  void deliver(const protocol::Request& request);
  void deliver(const protocol::Cancel& cancel);
  void deliver(const protocol::Shutdown& shutdown);
  void deliver(const protocol::Credit& credit);
  void deliver(const protocol::AskStacks& asked);
  void deliver(const protocol::SetLogLevel& to);
  void deliver(const protocol::MemoryFree& free);
  void deliver(const protocol::MemoryIdle& idle);
  void deliver(const protocol::MemoryForgotten& forgotten);
  Reference receive_body(const protocol::Request& request);
  protocol::FileDescriptor take_descriptor();
  void refuse(const protocol::Request& request);
  bool on_loop_thread() const;
  bool schedule(const Reference& callback);
  void watch_writable();
  void stop_watching_writable();

  ChannelIo& io_;
  VitalsPage& vitals_;
  Reference loop_;
  Handlers handlers_;
  Callbacks callbacks_;
  unsigned long loop_thread_ = 0;
  bool receiving_ = false;
  bool starting_ = false;  // on_taken() runs, in receive().
  std::uint64_t gathered_since_ = 0;
  bool flush_scheduled_ = false;
  bool watching_writable_ = false;
};

}  // namespace lambdapool::worker::python
