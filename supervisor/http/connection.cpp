#include "supervisor/http/connection.h"

#include <algorithm>
#include <array>

#include "protocol/codec.h"
#include "supervisor/http/text.h"

namespace lambdapool::supervisor {
namespace {

// Requests that a client sends ahead are taken up to here; then the client has to wait.
constexpr std::size_t kMaxPending = std::size_t{64} << 10;
// For how long what a client still sends is read and dropped after the last answer, so that the
// answer is not lost to a reset.
constexpr Milliseconds kLingerTime{2'000};
// When to find out whether a client that has ended its side still listens.
constexpr Milliseconds kProbeDelay{100};
constexpr int kMostProbeDoublings = 4;

// What the access log says of a request whose client did not wait for its answer.
constexpr std::uint32_t kClientLeft = 499;
// A stream that a lambda or its worker did not bring to its end counts as LUNA's "Lambda
// exception".
constexpr std::uint32_t kCutErrorCode = 42004;

std::string_view find_field(const protocol::Fields& fields, std::string_view name) {
  const auto found = std::ranges::find_if(fields, [name](const protocol::Field& field) {
    return equals_ignoring_case(field.name, name);
  });
  return found == fields.end() ? std::string_view{} : found->value;
}

double to_milliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

Connection::Connection(uv::Loop& loop, ConnectionId id, ConnectionHost& host)
    : id_(id),
      host_(host),
      timer_(loop, [this] { on_timer(); }),
      parser_(host.limits(), &host.body_pool()) {}

Connection::~Connection() = default;

std::unique_ptr<Connection> Connection::accept(uv::Loop& loop, uv_stream_t* server, ConnectionId id,
                                               ConnectionHost& host) {
  std::unique_ptr<Connection> connection(new Connection(loop, id, host));
  connection->stream_ = uv::Stream::accept(server, *connection);
  if (connection->stream_ == nullptr) return nullptr;
  connection->peer_ = connection->stream_->peer_address();
  return connection;
}

void Connection::start() {
  set_deadline(host_.limits().idle_timeout);
  stream_->start_reading();
}

void Connection::refuse(const Failure& failure) { reject(failure); }

std::span<char> Connection::read_space() {
  // Each read is accounted for before the next.
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 20;
  if (state_ != State::kReading || !pending_.empty()) return {};
  const auto space = parser_.body_space();
  if (space.empty() && sends_large_ && !parser_.in_message()) {
    // The head and little more, so that the most of a large body is read to its place.
    static std::array<char, 4096> shared;
    return shared;
  }
  return space.first(std::min(space.size(), kMostAtOnce));
}

void Connection::on_read(std::string_view bytes) {
  if (state_ == State::kLingering) return;
  if (!pending_.empty() || state_ != State::kReading) {
    pending_.append(bytes);
    if (state_ == State::kReading) return process_pending();
    if (pending_.size() >= kMaxPending) stream_->stop_reading();
    return;
  }
  const std::size_t consumed = process(bytes);
  if (over_ || state_ == State::kLingering) return;
  pending_.assign(bytes.substr(consumed));
  settle();
}

void Connection::process_pending() {
  const std::size_t consumed = process(pending_);
  if (over_ || state_ == State::kLingering) return;
  pending_.erase(0, consumed);
  settle();
}

// Handles requests until one has to wait for its answer or more bytes are needed. Says how many
// bytes it has consumed.
std::size_t Connection::process(std::string_view bytes) {
  std::size_t consumed = 0;
  processing_ = true;
  bool more = true;
  while (more && state_ == State::kReading) {
    const MessageParser::Step step = parser_.feed(bytes.substr(consumed));
    consumed += step.consumed;
    switch (step.event) {
      case MessageParser::Event::kNeedMore:
        account_body();
        more = false;
        break;
      case MessageParser::Event::kHead:
        more = on_head(consumed < bytes.size());
        break;
      case MessageParser::Event::kComplete:
        if (account_body()) on_request();
        break;
      case MessageParser::Event::kFailed:
        reject(parser_.failure());
        more = false;
        break;
    }
  }
  processing_ = false;
  return consumed;
}

bool Connection::on_head(bool body_has_begun) {
  const RequestHead& head = parser_.head();
  const std::string_view sent_id = find_field(head.fields, "luna-request-id");
  current_.request_id = is_request_id(sent_id) ? std::string(sent_id) : host_.request_ids().next();
  current_.method = head.method;
  current_.target = head.target;
  current_.direction = host_.direct(head);
  current_.minor_version = head.minor_version;
  current_.keep_alive = head.keep_alive;
  current_.received = std::chrono::steady_clock::now();
  const auto* to_lambda = std::get_if<ToLambda>(&current_.direction);
  const bool renamed = to_lambda != nullptr && !to_lambda->path.empty();
  current_.fields = protocol::encode_request_fields(protocol::Request{
      .method = head.method,
      .path = renamed ? std::string_view(to_lambda->path) : head.path,
      .query = head.query,
      .headers = head.fields,
      .peer = peer_,
      .request_id = current_.request_id,
      .http_minor = static_cast<std::uint32_t>(head.minor_version),
      .body = {},
  });
  if (!host_.buffer(static_cast<std::int64_t>(current_.fields.size()))) {
    reject(make_failure(FailureKind::kBuffersFull,
                        "the server holds too many requests (server.max_buffered)"));
    return false;
  }
  current_.buffered = current_.fields.size();
  if (head.expects_continue && parser_.in_body() && !body_has_begun) stream_->write(kContinue);
  return true;
}

bool Connection::account_body() {
  const std::size_t held = current_.fields.size() + parser_.body().size();
  if (held <= current_.buffered) return true;
  if (!host_.buffer(static_cast<std::int64_t>(held - current_.buffered))) {
    reject(make_failure(FailureKind::kBuffersFull,
                        "the server holds too many bodies (server.max_buffered)"));
    return false;
  }
  current_.buffered = held;
  return true;
}

void Connection::on_request() {
  if (const auto* own = std::get_if<HostAnswer>(&current_.direction)) {
    parser_.reset();
    return answer_itself(*own);
  }
  sends_large_ = parser_.body().in_memory();
  auto invocation =
      std::make_unique<Invocation>(host_.sink(), id_, current_.request_id,
                                   std::move(current_.fields), std::move(parser_.body()));
  current_.fields = {};
  parser_.reset();
  state_ = State::kWaiting;
  deadline_ = uv::TimePoint::max();
  probes_ = 0;
  if (peer_ended_) set_deadline(kProbeDelay);
  if (auto* to_host = std::get_if<HostCall>(&current_.direction)) {
    return host_.call(std::move(*to_host), std::move(invocation));
  }
  host_.submit(std::move(invocation));
}

// Answers a request that never gets to a worker, and closes: what follows it cannot be trusted.
void Connection::reject(const Failure& failure) {
  if (current_.request_id.empty()) {
    const RequestHead& head = parser_.head();
    const std::string_view sent_id = find_field(head.fields, "luna-request-id");
    current_.request_id =
        is_request_id(sent_id) ? std::string(sent_id) : host_.request_ids().next();
    current_.method = head.method;
    current_.target = head.target;
  }
  write_failure(out_, failure, context(AfterResponse::kClose), host_.date());
  stream_->write(out_);
  record(failure.status, failure.error_code, failure.kind, out_.size(), {}, {});
  answered(AfterResponse::kClose);
}

void Connection::on_response(const protocol::Response& response, std::unique_ptr<uv::Content> body,
                             const Passage& passage) {
  if (const auto fault = find_fault(response.status, response.headers)) {
    return on_failure(make_failure(FailureKind::kBadResponse, *fault), passage);
  }
  const AfterResponse after = after_response();
  const ResponseContext of_request = context(after);
  write_response_head(out_, response, of_request, host_.date());
  const bool with_body = sends_body(response.status, of_request);
  if (body != nullptr && with_body) {
    stream_->write(out_, std::move(body));
  } else {
    stream_->write(out_, with_body ? response.body : std::string_view{});
  }
  record(response.status, 0, {}, out_.size() + (with_body ? response.body_size() : 0),
         response.route, passage);
  answered(after);
}

void Connection::on_failure(const Failure& failure, const Passage& passage) {
  const AfterResponse after = after_response();
  write_failure(out_, failure, context(after), host_.date());
  stream_->write(out_);
  record(failure.status, failure.error_code, failure.kind, out_.size(), failure.route, passage);
  answered(after);
}

void Connection::answer_itself(const HostAnswer& answer) {
  if (const auto* failure = std::get_if<Failure>(&answer.content)) return on_failure(*failure, {});
  const auto& body = std::get<std::string>(answer.content);
  on_response(protocol::Response{.status = answer.status,
                                 .headers = {{"Content-Type", answer.content_type}},
                                 .body = body,
                                 .route = answer.route},
              nullptr, {});
}

bool Connection::on_stream_head(std::uint64_t stream, const protocol::StreamHead& head,
                                const Passage& passage) {
  if (const auto fault = find_fault(head.status, head.headers)) {
    on_failure(make_failure(FailureKind::kBadResponse, *fault), passage);
    return false;
  }
  AfterResponse after = after_response();
  // HTTP/1.0 knows no other end of such a body than that of the connection.
  if (current_.minor_version == 0) after = AfterResponse::kClose;
  const ResponseContext of_request = context(after);
  write_stream_head(out_, head, of_request, host_.date());
  streaming_ = {stream,      head.status, std::string(head.route),
                out_.size(), 0,           sends_body(head.status, of_request),
                after,       passage};
  state_ = State::kStreaming;
  deadline_ = uv::TimePoint::max();
  stream_->write(out_);
  probes_ = 0;
  if (peer_ended_) set_deadline(kProbeDelay);
  return true;
}

void Connection::on_stream_chunk(std::uint64_t stream, std::string_view bytes) {
  if (state_ != State::kStreaming || streaming_.id != stream) return;
  streaming_.uncredited += bytes.size();
  if (streaming_.sends_body && !bytes.empty()) {
    write_stream_piece(out_, bytes, context(streaming_.after));
    streaming_.bytes += out_.size();
    stream_->write(out_);
  }
  if (stream_->unsent() == 0) return credit_stream();
  if (deadline_ != uv::TimePoint::max()) return;
  unsent_before_ = stream_->unacknowledged();
  set_deadline(host_.limits().write_timeout);
}

void Connection::credit_stream() {
  deadline_ = uv::TimePoint::max();
  if (peer_ended_) set_deadline(kProbeDelay);
  if (streaming_.uncredited == 0) return;
  host_.give_credit(streaming_.id, std::exchange(streaming_.uncredited, 0));
}

void Connection::on_stream_end(std::uint64_t stream, StreamEnding ending) {
  if (state_ != State::kStreaming || streaming_.id != stream) return;
  const bool whole = ending == StreamEnding::kWhole;
  record(streaming_.status, whole ? 0 : kCutErrorCode, whole ? "" : "stream_cut", streaming_.bytes,
         streaming_.route, streaming_.passage);
  if (!whole) {
    // The client must not take a part for the whole; without chunks, and after a zero that could be
    // the last one, only a reset tells.
    if (current_.minor_version == 0 || streaming_.probed) stream_->reset_when_closed();
    return end();
  }
  if (streaming_.sends_body && current_.minor_version > 0) stream_->write(kLastChunk);
  answered(streaming_.after);
}

ResponseContext Connection::context(AfterResponse after) const {
  return {current_.request_id, host_.lambda_version(), current_.method == "HEAD",
          current_.minor_version, after};
}

AfterResponse Connection::after_response() const {
  const bool last = peer_ended_ && pending_.empty();
  return current_.keep_alive && !last && !host_.leaving() ? AfterResponse::kKeepAlive
                                                          : AfterResponse::kClose;
}

void Connection::record(std::uint32_t status, std::uint32_t error_code, std::string_view error,
                        std::size_t bytes, std::string_view route, const Passage& passage) {
  const bool known = current_.received != uv::TimePoint{};
  host_.answered({.method = current_.method,
                  .route = route,
                  .status = status,
                  .error_code = error_code,
                  .error = error,
                  .bytes = bytes,
                  .took = known ? std::chrono::steady_clock::now() - current_.received
                                : std::chrono::nanoseconds{0}});
  if (!host_.logs_access()) return;
  constexpr std::size_t kMostTarget = 1024;
  host_.log().write(LogLevel::kInfo, "request",
                    {{"request_id", current_.request_id},
                     {"client", peer_},
                     {"method", current_.method},
                     {"target", std::string_view(current_.target).substr(0, kMostTarget)},
                     {"status", status},
                     {"bytes", bytes},
                     {"queue_ms", to_milliseconds(passage.queued)},
                     {"run_ms", to_milliseconds(passage.running)},
                     // A field without a name is left out.
                     {passage.worker > 0 ? "worker" : "", passage.worker},
                     {error.empty() ? "" : "error", error}});
}

void Connection::answered(AfterResponse after) {
  host_.buffer(-static_cast<std::int64_t>(current_.buffered));
  current_ = {};
  if (after == AfterResponse::kClose) return linger();
  if (stream_->unsent() > 0) {
    state_ = State::kWriting;
    unsent_before_ = stream_->unacknowledged();
    return set_deadline(host_.limits().write_timeout);
  }
  state_ = State::kReading;
  phase_ = Phase::kIdle;
  set_deadline(host_.limits().idle_timeout);
  // The loop in `process` goes on by itself.
  if (!processing_) read_on();
}

void Connection::read_on() {
  if (!peer_ended_) stream_->start_reading();
  process_pending();
}

void Connection::settle() {
  if (state_ != State::kReading) return;
  if (peer_ended_) {
    if (!parser_.in_message() && pending_.empty()) return end();
    return reject(make_failure(FailureKind::kBadRequest,
                               "the client ended the connection before the request was whole"));
  }
  if (host_.draining() && is_idle()) return end();
  stream_->start_reading();
  const Phase phase = !parser_.in_message() ? Phase::kIdle
                      : parser_.in_body()   ? Phase::kBody
                                            : Phase::kHead;
  if (phase == Phase::kBody) {
    set_deadline(host_.limits().body_timeout);
  } else if (phase == Phase::kHead && phase_ != Phase::kHead) {
    // From its first byte: a client that sends a byte now and then gains nothing.
    set_deadline(host_.limits().header_timeout);
  }
  phase_ = phase;
}

void Connection::on_end() {
  peer_ended_ = true;
  switch (state_) {
    case State::kReading:
      return settle();
    case State::kWaiting:
      probes_ = 0;
      return set_deadline(kProbeDelay);
    case State::kStreaming:
      if (stream_->unsent() == 0) set_deadline(kProbeDelay);
      return;
    case State::kWriting:
      return;
    case State::kLingering:
      if (stream_->unsent() == 0) end();
      return;
  }
}

void Connection::on_broken() {
  if (over_) return;
  if (state_ == State::kWaiting || state_ == State::kStreaming) {
    record(kClientLeft, 0, "client_left", 0, {}, {});
    host_.abandon(id_);
  }
  end();
}

void Connection::on_drained() {
  if (state_ == State::kWriting) {
    state_ = State::kReading;
    phase_ = Phase::kIdle;
    set_deadline(host_.limits().idle_timeout);
    return read_on();
  }
  if (state_ == State::kStreaming) return credit_stream();
  if (state_ != State::kLingering) return;
  if (peer_ended_) return end();
  tell_done();
  set_deadline(kLingerTime);
}

void Connection::tell_done() {
  if (done_) return;
  done_ = true;
  host_.done(id_);
}

void Connection::drain() {
  if (state_ == State::kReading && is_idle()) end();
}

// To close a connection with a request that has come and is not read yet would lose it.
bool Connection::is_idle() const {
  return !parser_.in_message() && pending_.empty() && !stream_->has_unread();
}

void Connection::linger() {
  state_ = State::kLingering;
  stream_->finish_writing();
  if (peer_ended_ && stream_->unsent() == 0) return end();
  if (stream_->unsent() == 0) tell_done();
  pending_ = {};
  if (!peer_ended_) stream_->start_reading();
  unsent_before_ = stream_->unacknowledged();
  set_deadline(stream_->unsent() > 0 ? host_.limits().write_timeout : kLingerTime);
}

void Connection::end() {
  if (over_) return;
  over_ = true;
  stream_->stop_reading();
  timer_.stop();
  host_.buffer(-static_cast<std::int64_t>(current_.buffered));
  current_.buffered = 0;
  tell_done();
  host_.over(id_);
}

void Connection::set_deadline(Milliseconds from_now) {
  deadline_ = std::chrono::steady_clock::now() + from_now;
  // A timer that fires too early is set anew then: cheaper than moving it with every request.
  if (timer_.active() && timer_fires_ <= deadline_) return;
  timer_fires_ = deadline_;
  timer_.start(from_now);
}

void Connection::on_timer() {
  const auto now = std::chrono::steady_clock::now();
  if (deadline_ == uv::TimePoint::max()) return;
  if (now < deadline_) {
    timer_fires_ = deadline_;
    return timer_.start(std::chrono::ceil<Milliseconds>(deadline_ - now));
  }
  deadline_ = uv::TimePoint::max();
  on_deadline();
}

void Connection::on_deadline() {
  const ServerConfig& limits = host_.limits();
  if (state_ == State::kWaiting) return probe_peer();
  if (state_ == State::kStreaming && peer_ended_ && stream_->unsent() == 0) return probe_peer();
  if (state_ == State::kWriting || state_ == State::kStreaming ||
      (state_ == State::kLingering && stream_->unsent() > 0)) {
    const std::size_t unsent = stream_->unacknowledged();
    if (unsent == unsent_before_) return on_broken();
    unsent_before_ = unsent;
    return set_deadline(limits.write_timeout);
  }
  if (state_ == State::kLingering || phase_ == Phase::kIdle) return end();
  if (phase_ == Phase::kHead) {
    return reject(make_failure(FailureKind::kHeaderTimeout,
                               "the head was not whole within " +
                                   std::to_string(limits.header_timeout.count()) +
                                   " ms (server.header_timeout)"));
  }
  reject(make_failure(FailureKind::kBodyTimeout, "nothing of the body came within " +
                                                     std::to_string(limits.body_timeout.count()) +
                                                     " ms (server.body_timeout)"));
}

// A client that has ended its side may still read, or may be gone; TCP shows the difference only
// when something is sent. An interim response is something that every HTTP/1.1 client takes (RFC
// 9110, 15.2) and a dead one resets; within a body it is a zero before the size of the next chunk
// (RFC 9112, 7.1).
void Connection::probe_peer() {
  if (current_.minor_version == 0) return;
  const bool in_body = state_ == State::kStreaming;
  if (in_body && !streaming_.sends_body) return;
  if (probes_ == 0) {
    stream_->write(in_body ? "0" : kContinue);
    streaming_.probed = in_body;
  } else if (stream_->peer_state() == uv::PeerState::kGone) {
    return on_broken();
  }
  set_deadline(kProbeDelay * (1 << std::min(probes_, kMostProbeDoublings)));
  ++probes_;
}

}  // namespace lambdapool::supervisor
