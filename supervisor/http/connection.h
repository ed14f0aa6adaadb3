// One client connection: reads one request at a time, has it answered, and goes on to the next or
// closes.
//
//   Reading --request whole--> Waiting --answered--> Writing --all sent--> Reading
//   Waiting --head of a stream--> Streaming --its end--> as after an answer
//   any --last answer written--> Lingering --client done--> gone
//
// Invariants:
//   Requests are answered in the order in which they came, because the next one is not looked at
//   before the last answer has left: that is also what makes a client that does not read wait, and
//   nobody else. In Waiting exactly one Invocation of this connection is alive, or is being
//   answered. A connection ends only by telling its owner, who retires it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "supervisor/config/config.h"
#include "supervisor/http/date.h"
#include "supervisor/http/direction.h"
#include "supervisor/http/message_parser.h"
#include "supervisor/http/request_id.h"
#include "supervisor/http/response_bytes.h"
#include "supervisor/log/log.h"
#include "supervisor/pool/invocation.h"
#include "supervisor/uv/stream.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

// One answer, for the metrics.
struct AnswerRecord {
  std::string_view method;
  std::string_view route;  // Empty when none is known.
  std::uint32_t status = 0;
  std::uint32_t error_code = 0;  // Zero: no error.
  std::string_view error = {};   // What the Lambda-Error header says; empty: no error.
  std::size_t bytes = 0;
  std::chrono::nanoseconds took{0};
};

// What connections share, and what they ask of the server that owns them.
class ConnectionHost {
 public:
  virtual const ServerConfig& limits() const = 0;
  virtual std::string_view lambda_version() const = 0;
  virtual bool logs_access() const = 0;
  virtual Log& log() = 0;
  virtual Date& date() = 0;
  virtual RequestIds& request_ids() = 0;
  // Connections end with the request that they have.
  virtual bool leaving() const = 0;
  // As well, and idle ones end at once.
  virtual bool draining() const = 0;
  // Takes `more` bytes of the room for bodies, or gives back when it is negative. False: there is
  // no room.
  virtual bool buffer(std::int64_t more) = 0;
  virtual BodyPool& body_pool() = 0;
  // The Invocation's sink is the host, which gives the answer to the connection.
  virtual AnswerSink& sink() = 0;
  virtual void submit(std::unique_ptr<Invocation> invocation) = 0;
  virtual void abandon(ConnectionId connection) = 0;
  // The client has taken that much of a stream.
  virtual void give_credit(std::uint64_t stream, std::size_t bytes) = 0;
  // Counts an answer.
  virtual void answered(const AnswerRecord& record) = 0;
  // Who answers the request.
  virtual Direction direct(const RequestHead& head) = 0;
  // The whole of a request that a service of the host answers.
  virtual void call(HostCall call, std::unique_ptr<Invocation> invocation) = 0;
  // No answer is owed to the connection any more and the last one has left; comes once, at the
  // latest with `over`.
  virtual void done(ConnectionId connection) = 0;
  // The connection is over: it is not called again.
  virtual void over(ConnectionId connection) = 0;

 protected:
  ~ConnectionHost() = default;
};

class Connection final : public uv::Retirable, private uv::StreamEvents {
 public:
  // Null when the client has left already.
  static std::unique_ptr<Connection> accept(uv::Loop& loop, uv_stream_t* server, ConnectionId id,
                                            ConnectionHost& host);
  ~Connection() override;

  void start();
  // Answers the client that there is no room for it, and closes.
  void refuse(const Failure& failure);

  // The answer to the request in flight. `body`, if there is one, is that of the response.
  void on_response(const protocol::Response& response, std::unique_ptr<uv::Content> body,
                   const Passage& passage);
  void on_failure(const Failure& failure, const Passage& passage);
  bool on_stream_head(std::uint64_t stream, const protocol::StreamHead& head,
                      const Passage& passage);
  void on_stream_chunk(std::uint64_t stream, std::string_view bytes);
  void on_stream_end(std::uint64_t stream, StreamEnding ending);

  // The server stops: closes at once when no request is in sight, else after the answer.
  void drain();

 private:
  enum class State { kReading, kWaiting, kStreaming, kWriting, kLingering };
  enum class Phase { kIdle, kHead, kBody };  // Of kReading.

  Connection(uv::Loop& loop, ConnectionId id, ConnectionHost& host);

  std::span<char> read_space() override;
  void on_read(std::string_view bytes) override;
  void on_end() override;
  void on_broken() override;
  void on_drained() override;

  // What is being answered; kept because the head's bytes are gone by then.
  struct Current {
    std::string request_id;
    std::string fields;  // For the worker, encoded when the head came.
    std::string method;
    std::string target;
    Direction direction;
    int minor_version = 1;
    bool keep_alive = true;
    std::size_t buffered = 0;  // Bytes of the room for bodies that it holds.
    uv::TimePoint received;
  };
  // The answer that comes in pieces.
  struct Stream {
    std::uint64_t id = 0;
    std::uint32_t status = 0;
    std::string route;
    std::size_t bytes = 0;
    std::size_t uncredited = 0;  // What the client has not taken yet.
    bool sends_body = true;
    AfterResponse after = AfterResponse::kKeepAlive;
    Passage passage;
    bool probed = false;  // A zero has been sent before the size of the next chunk.
  };

  std::size_t process(std::string_view bytes);
  void process_pending();
  bool on_head(bool body_has_begun);
  bool account_body();
  void on_request();
  void answer_itself(const HostAnswer& answer);
  void reject(const Failure& failure);
  ResponseContext context(AfterResponse after) const;
  AfterResponse after_response() const;
  void record(std::uint32_t status, std::uint32_t error_code, std::string_view error,
              std::size_t bytes, std::string_view route, const Passage& passage);
  void credit_stream();
  void answered(AfterResponse after);
  void read_on();
  // Called whenever it is left reading with nothing to do: waits for more, or ends.
  void settle();
  bool is_idle() const;
  void linger();
  void tell_done();
  void end();

  void set_deadline(Milliseconds from_now);
  void on_timer();
  void on_deadline();
  void probe_peer();

  ConnectionId id_;
  ConnectionHost& host_;
  std::unique_ptr<uv::Stream> stream_;
  std::string peer_;  // The client's address.
  uv::Timer timer_;
  uv::TimePoint deadline_ = uv::TimePoint::max();
  uv::TimePoint timer_fires_ = uv::TimePoint::max();
  MessageParser parser_;
  State state_ = State::kReading;
  Phase phase_ = Phase::kIdle;
  Current current_;
  Stream streaming_;
  std::string pending_;  // Bytes that have come and are not looked at yet.
  std::string out_;      // Reused for the heads of responses.
  bool processing_ = false;
  bool sends_large_ = false;  // The last request had a large body.
  bool peer_ended_ = false;
  bool done_ = false;
  bool over_ = false;
  int probes_ = 0;
  std::size_t unsent_before_ = 0;
};

}  // namespace lambdapool::supervisor
