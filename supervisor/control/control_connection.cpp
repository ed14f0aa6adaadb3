#include "supervisor/control/control_connection.h"

#include <utility>

namespace lambdapool::supervisor {
namespace {

// Requests sent ahead are taken up to here; then the client has to wait.
constexpr std::size_t kMaxAhead = 4 * ControlConnection::kMaxLine;

}  // namespace

ControlConnection::ControlConnection(uv::Loop& loop, Milliseconds idle_timeout, ControlHost& host)
    : idle_timeout_(idle_timeout), host_(host), timer_(loop, [this] { end(); }) {}

std::unique_ptr<ControlConnection> ControlConnection::accept(uv::Loop& loop, uv_stream_t* server,
                                                             Milliseconds idle_timeout,
                                                             ControlHost& host) {
  std::unique_ptr<ControlConnection> connection(new ControlConnection(loop, idle_timeout, host));
  connection->stream_ = uv::Stream::accept(server, *connection);
  if (connection->stream_ == nullptr) return nullptr;
  return connection;
}

void ControlConnection::start() {
  timer_.start(idle_timeout_);
  stream_->start_reading();
}

void ControlConnection::refuse(const std::string& why) {
  last_ = true;
  timer_.start(idle_timeout_);
  send(std::unexpected(why));
}

void ControlConnection::on_read(std::string_view bytes) {
  if (last_) return;
  lines_.feed(bytes);
  look_for_request();
}

void ControlConnection::look_for_request() {
  if (looking_) return;  // An answer that comes at once is part of the loop below.
  looking_ = true;
  while (!waiting_ && !last_ && !over_ && stream_->unsent() == 0) {
    const auto line = lines_.next();
    if (!line) break;
    auto request = parse_control_request(*line);
    if (!request) {
      send(std::unexpected(request.error()));
      continue;
    }
    waiting_ = true;
    // While it waits nothing bounds it.
    timer_.stop();
    host_.on_request(*this, *std::move(request));
  }
  looking_ = false;
  if (over_ || waiting_ || last_) {
    if (!over_ && lines_.size() > kMaxAhead) stream_->stop_reading();
    return;
  }
  if (lines_.spoiled()) {
    return refuse("a request is longer than " + std::to_string(kMaxLine) + " bytes");
  }
  if (stream_->unsent() > 0) return stream_->stop_reading();
  if (peer_ended_) return end();
  timer_.start(idle_timeout_);
  stream_->start_reading();
}

void ControlConnection::answer(const ControlResult& result) {
  if (!std::exchange(waiting_, false) || over_) return;
  timer_.start(idle_timeout_);
  send(result);
  look_for_request();
}

void ControlConnection::send(const ControlResult& result) {
  stream_->write(control_line(result) + "\n");
  if (!last_) return;
  stream_->finish_writing();
  if (stream_->unsent() == 0) end();
}

void ControlConnection::on_end() {
  peer_ended_ = true;
  if (!waiting_) look_for_request();
}

void ControlConnection::on_broken() { end(); }

void ControlConnection::on_drained() {
  if (last_) return end();
  look_for_request();
}

void ControlConnection::end() {
  if (std::exchange(over_, true)) return;
  stream_->stop_reading();
  timer_.stop();
  host_.on_over(*this);
}

}  // namespace lambdapool::supervisor
