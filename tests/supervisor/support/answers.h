// A sink that keeps the answers it is told, and requests whose answers go there.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/codec.h"
#include "supervisor/pool/invocation.h"

namespace lambdapool::supervisor {

struct Answer {
  std::uint32_t status = 0;
  std::string body;  // Of a response; the detail of a failure.
  std::string kind;  // Of a failure; empty for a response; how a stream stands.
  Passage passage;
};

class Answers final : public AnswerSink {
 public:
  void on_response(ConnectionId connection, const protocol::Response& response,
                   const Passage& passage) override {
    note(connection, {response.status, std::string(response.body), {}, passage});
  }
  void on_failure(ConnectionId connection, const Failure& failure,
                  const Passage& passage) override {
    note(connection, {failure.status, failure.detail, failure.kind, passage});
  }

  bool on_stream_head(ConnectionId connection, std::uint64_t, const protocol::StreamHead& head,
                      const Passage& passage) override {
    note(connection, {head.status, {}, "stream", passage});
    return true;
  }
  void on_stream_chunk(ConnectionId connection, std::uint64_t, std::string_view bytes) override {
    answers_.at(static_cast<std::uint64_t>(connection)).front().body.append(bytes);
  }
  void on_stream_end(ConnectionId connection, std::uint64_t, StreamEnding ending) override {
    answers_.at(static_cast<std::uint64_t>(connection)).front().kind =
        ending == StreamEnding::kWhole ? "whole stream" : "cut stream";
  }

  // A request of the connection numbered `connection`; a fake worker does what `path` says.
  std::unique_ptr<Invocation> request(std::uint64_t connection, std::string_view path = "/",
                                      std::string body = {}, std::string_view method = "POST") {
    auto fields = protocol::encode_request_fields(protocol::Request{.method = method,
                                                                    .path = path,
                                                                    .query = {},
                                                                    .headers = {},
                                                                    .peer = "127.0.0.1",
                                                                    .request_id = "",
                                                                    .body = {}});
    return std::make_unique<Invocation>(*this, ConnectionId{connection},
                                        "request-" + std::to_string(connection), std::move(fields),
                                        std::move(body));
  }

  std::size_t count() const { return count_; }
  std::size_t count(std::uint64_t connection) const {
    const auto found = answers_.find(connection);
    return found == answers_.end() ? 0 : found->second.size();
  }
  bool has(std::uint64_t connection) const { return count(connection) > 0; }
  // The first answer; one of status 0 when there is none.
  Answer of(std::uint64_t connection) const {
    return has(connection) ? answers_.at(connection).front() : Answer{};
  }
  // Connections in the order of their answers.
  const std::vector<std::uint64_t>& order() const { return order_; }

 private:
  void note(ConnectionId connection, Answer answer) {
    const auto number = static_cast<std::uint64_t>(connection);
    answers_[number].push_back(std::move(answer));
    order_.push_back(number);
    ++count_;
  }

  std::map<std::uint64_t, std::vector<Answer>> answers_;
  std::vector<std::uint64_t> order_;
  std::size_t count_ = 0;
};

}  // namespace lambdapool::supervisor
