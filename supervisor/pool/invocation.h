// One request on its way from a connection through the pool and back.
//
// Invariant: every Invocation is answered exactly once. It is answered by `respond` or `fail`,
// which take it by value and so can be called once; whoever drops it unanswered, by a crash, a
// shutdown or a bug, answers it by dropping it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/message.h"
#include "supervisor/failure.h"
#include "supervisor/pool/body.h"
#include "supervisor/uv/loop.h"
#include "supervisor/uv/stream.h"

namespace lambdapool::supervisor {

enum class ConnectionId : std::uint64_t {};

// The ids of calls that the supervisor makes itself; clients' connections never have them.
inline constexpr std::uint64_t kOwnCall = std::uint64_t{1} << 63;
inline bool is_own_call(ConnectionId id) {
  return (static_cast<std::uint64_t>(id) & kOwnCall) != 0;
}

// How a request got through the pool, for the access log.
struct Passage {
  std::uint32_t worker = 0;  // Its number; 0 when no worker had it.
  std::chrono::nanoseconds queued{0};
  std::chrono::nanoseconds running{0};
};

enum class StreamEnding { kWhole, kCut };

// Who is told the answers. It outlives every Invocation; the connection may be gone.
class AnswerSink {
 public:
  virtual void on_response(ConnectionId connection, const protocol::Response& response,
                           const Passage& passage) = 0;
  // As on_response, with the body of the response where `body` says.
  virtual void on_response_in_memory(ConnectionId connection, const protocol::Response& response,
                                     std::unique_ptr<uv::Content> body, const Passage& passage) {
    body->keep();
    protocol::Response whole = response;
    whole.body_in_memory = 0;
    whole.body = body->rest();
    on_response(connection, whole, passage);
  }
  virtual void on_failure(ConnectionId connection, const Failure& failure,
                          const Passage& passage) = 0;
  // A response that comes in pieces; `stream` is its id. False: it is not wanted, nothing more of
  // it comes.
  virtual bool on_stream_head(ConnectionId connection, std::uint64_t stream,
                              const protocol::StreamHead& head, const Passage& passage) = 0;
  virtual void on_stream_chunk(ConnectionId connection, std::uint64_t stream,
                               std::string_view bytes) = 0;
  virtual void on_stream_end(ConnectionId connection, std::uint64_t stream,
                             StreamEnding ending) = 0;

 protected:
  ~AnswerSink() = default;
};

// The rest of an answer whose head has been given: its pieces and its end.
//
// Invariant: the client is told exactly once how it ends. Whoever drops it before `finish` cuts it.
class StreamedAnswer {
 public:
  StreamedAnswer(AnswerSink& sink, ConnectionId connection, std::uint64_t stream)
      : sink_(&sink), connection_(connection), stream_(stream) {}
  ~StreamedAnswer() {
    if (sink_ != nullptr) sink_->on_stream_end(connection_, stream_, StreamEnding::kCut);
  }
  StreamedAnswer(const StreamedAnswer&) = delete;
  StreamedAnswer& operator=(const StreamedAnswer&) = delete;

  ConnectionId connection() const { return connection_; }
  void chunk(std::string_view bytes) { sink_->on_stream_chunk(connection_, stream_, bytes); }

  friend void finish(std::unique_ptr<StreamedAnswer> answer) {
    AnswerSink* sink = std::exchange(answer->sink_, nullptr);
    sink->on_stream_end(answer->connection_, answer->stream_, StreamEnding::kWhole);
  }
  // The client has left: nobody is told.
  friend void abandon(std::unique_ptr<StreamedAnswer> answer) { answer->sink_ = nullptr; }

 private:
  AnswerSink* sink_;
  ConnectionId connection_;
  std::uint64_t stream_;
};

void finish(std::unique_ptr<StreamedAnswer> answer);
void abandon(std::unique_ptr<StreamedAnswer> answer);

class Invocation {
 public:
  // `request_fields` is what protocol::encode_request_fields made; it and the body are kept as long
  // as the request may have to be sent again.
  Invocation(AnswerSink& sink, ConnectionId connection, std::string request_id,
             std::string request_fields, Body body)
      : request_id_(std::move(request_id)),
        request_fields_(std::move(request_fields)),
        body_(std::move(body)),
        received_(std::chrono::steady_clock::now()),
        sink_(&sink),
        connection_(connection) {}
  ~Invocation() {
    if (sink_ != nullptr)
      tell(make_failure(FailureKind::kInternal, "the request was dropped without an answer"));
  }
  Invocation(const Invocation&) = delete;
  Invocation& operator=(const Invocation&) = delete;

  friend void respond(std::unique_ptr<Invocation> invocation, const protocol::Response& response) {
    if (AnswerSink* sink = std::exchange(invocation->sink_, nullptr)) {
      sink->on_response(invocation->connection_, response, invocation->passage());
    }
  }
  friend void respond(std::unique_ptr<Invocation> invocation, const protocol::Response& response,
                      std::unique_ptr<uv::Content> body) {
    if (AnswerSink* sink = std::exchange(invocation->sink_, nullptr)) {
      sink->on_response_in_memory(invocation->connection_, response, std::move(body),
                                  invocation->passage());
    }
  }
  friend void fail(std::unique_ptr<Invocation> invocation, const Failure& failure) {
    invocation->tell(failure);
  }
  // Answers with the head of a stream and gives what its pieces go to; null when they are not
  // wanted.
  friend std::unique_ptr<StreamedAnswer> begin_stream(std::unique_ptr<Invocation> invocation,
                                                      std::uint64_t stream,
                                                      const protocol::StreamHead& head) {
    AnswerSink& sink = *std::exchange(invocation->sink_, nullptr);
    if (!sink.on_stream_head(invocation->connection_, stream, head, invocation->passage())) {
      return nullptr;
    }
    return std::make_unique<StreamedAnswer>(sink, invocation->connection_, stream);
  }
  // The client has left: nobody is told.
  friend void abandon(std::unique_ptr<Invocation> invocation) { invocation->sink_ = nullptr; }

  ConnectionId connection() const { return connection_; }
  uv::TimePoint received() const { return received_; }
  uv::TimePoint dispatched_at() const { return dispatched_; }
  const std::string& request_id() const { return request_id_; }
  const std::string& request_fields() const { return request_fields_; }
  std::string_view body() const { return body_.view(); }
  Body& stored_body() { return body_; }
  std::size_t bytes() const { return request_fields_.size() + body_.size(); }

  void dispatched(std::uint32_t worker) {
    worker_ = worker;
    dispatched_ = std::chrono::steady_clock::now();
    ++attempts_;
    ++dispatches_;
  }
  // The worker it was sent to died without having looked at it.
  void never_taken() { --attempts_; }
  // It had begun in a worker that another request killed, and may run once more.
  void replay() { replayed_ = true; }
  bool replayed() const { return replayed_; }
  // How often a worker took it, and how often it was sent to one.
  std::uint32_t attempts() const { return attempts_; }
  std::uint32_t dispatches() const { return dispatches_; }

 private:
  void tell(const Failure& failure) {
    if (AnswerSink* sink = std::exchange(sink_, nullptr))
      sink->on_failure(connection_, failure, passage());
  }
  Passage passage() const {
    const auto now = std::chrono::steady_clock::now();
    if (worker_ == 0) return {0, now - received_, std::chrono::nanoseconds{0}};
    return {worker_, dispatched_ - received_, now - dispatched_};
  }

  std::string request_id_;
  std::string request_fields_;
  Body body_;
  uv::TimePoint received_;
  uv::TimePoint dispatched_;
  AnswerSink* sink_;
  ConnectionId connection_;
  std::uint32_t worker_ = 0;
  std::uint32_t attempts_ = 0;
  std::uint32_t dispatches_ = 0;
  bool replayed_ = false;
};

void respond(std::unique_ptr<Invocation> invocation, const protocol::Response& response);
void respond(std::unique_ptr<Invocation> invocation, const protocol::Response& response,
             std::unique_ptr<uv::Content> body);
void fail(std::unique_ptr<Invocation> invocation, const Failure& failure);
std::unique_ptr<StreamedAnswer> begin_stream(std::unique_ptr<Invocation> invocation,
                                             std::uint64_t stream,
                                             const protocol::StreamHead& head);
void abandon(std::unique_ptr<Invocation> invocation);

}  // namespace lambdapool::supervisor
