// One connection to the control socket: reads a request, has it answered, and goes on to the next.
//
// Requests are answered in their order: the next line is not looked at before the last answer has
// left. Every wait is bounded, except that for the answer itself: a reload takes what it takes.
// A connection ends only by telling its owner, who retires it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "supervisor/control/control_request.h"
#include "supervisor/control/line_reader.h"
#include "supervisor/uv/stream.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

// A request whose answer may come later; never the same one twice.
enum class ControlId : std::uint64_t {};

class ControlConnection;

class ControlHost {
 public:
  // The answer is given by `answer`, now or later.
  virtual void on_request(ControlConnection& connection, ControlRequest request) = 0;
  // The connection is over: it is not called again.
  virtual void on_over(ControlConnection& connection) = 0;

 protected:
  ~ControlHost() = default;
};

class ControlConnection final : public uv::Retirable, private uv::StreamEvents {
 public:
  static constexpr std::size_t kMaxLine = 4096;

  // Null when the client has left already.
  static std::unique_ptr<ControlConnection> accept(uv::Loop& loop, uv_stream_t* server,
                                                   Milliseconds idle_timeout, ControlHost& host);

  std::optional<std::uint32_t> peer_user() const { return stream_->peer_user(); }
  void start();
  // Answers the client that it is not served, and closes.
  void refuse(const std::string& why);
  // Tells the answer to the request it waits for.
  void answer(const ControlResult& result);

 private:
  ControlConnection(uv::Loop& loop, Milliseconds idle_timeout, ControlHost& host);

  void on_read(std::string_view bytes) override;
  void on_end() override;
  void on_broken() override;
  void on_drained() override;

  void look_for_request();
  void send(const ControlResult& result);
  void end();

  const Milliseconds idle_timeout_;
  ControlHost& host_;
  std::unique_ptr<uv::Stream> stream_;
  uv::Timer timer_;
  LineReader lines_{kMaxLine};
  bool looking_ = false;
  bool waiting_ = false;  // For the answer to a request.
  bool last_ = false;     // Nothing comes after what is being sent.
  bool peer_ended_ = false;
  bool over_ = false;
};

}  // namespace lambdapool::supervisor
