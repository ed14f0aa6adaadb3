// The HTTP side of the supervisor: listens, owns the connections, and hands their requests on.
//
// It is told the answers by connection id; an answer to a connection that is gone is dropped here.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "supervisor/http/connection.h"
#include "supervisor/uv/listener.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

// Who takes the requests.
class RequestHandler {
 public:
  virtual void submit(std::unique_ptr<Invocation> invocation) = 0;
  virtual void abandon(ConnectionId connection) = 0;
  virtual void give_credit(std::uint64_t stream, std::size_t bytes) = 0;
  virtual void answered(const AnswerRecord& record) = 0;
  virtual Direction direct(const RequestHead& head) = 0;
  virtual void call(HostCall call, std::unique_ptr<Invocation> invocation) = 0;
  // After drain: no client waits for an answer any more.
  virtual void on_drained() = 0;

 protected:
  ~RequestHandler() = default;
};

class Server final : public uv::Retirable, private ConnectionHost, private AnswerSink {
 public:
  // Takes the address; clients are refused until `listen`.
  static std::expected<std::unique_ptr<Server>, std::string> bind(uv::Loop& loop, Log& log,
                                                                  const ServerConfig& config,
                                                                  std::string lambda_version,
                                                                  bool logs_access,
                                                                  RequestHandler& handler);
  // On an address that is taken already, whatever `config` says of one.
  static std::unique_ptr<Server> over(uv::Loop& loop, Log& log,
                                      std::unique_ptr<uv::Listener> listener,
                                      const ServerConfig& config, std::string lambda_version,
                                      bool logs_access, RequestHandler& handler);
  ~Server() override;

  std::expected<void, std::string> listen();
  std::uint16_t port() const { return listener_->port(); }
  // Of answers from now on.
  void set_lambda_version(std::string version) { lambda_version_ = std::move(version); }

  // Connections end with the request that they have; new ones are still accepted.
  void leave() { leaving_ = true; }
  // Accepts no more, closes what is idle, and tells the handler when the rest has its answers.
  void drain();

 private:
  Server(uv::Loop& loop, Log& log, const ServerConfig& config, std::string lambda_version,
         bool logs_access, RequestHandler& handler);

  const ServerConfig& limits() const override { return config_; }
  std::string_view lambda_version() const override { return lambda_version_; }
  bool logs_access() const override { return logs_access_; }
  Log& log() override { return log_; }
  Date& date() override { return date_; }
  RequestIds& request_ids() override { return request_ids_; }
  bool leaving() const override { return leaving_; }
  bool draining() const override { return draining_; }
  bool buffer(std::int64_t more) override;
  BodyPool& body_pool() override { return body_pool_; }
  AnswerSink& sink() override { return *this; }
  void submit(std::unique_ptr<Invocation> invocation) override {
    handler_.submit(std::move(invocation));
  }
  void abandon(ConnectionId connection) override { handler_.abandon(connection); }
  void give_credit(std::uint64_t stream, std::size_t bytes) override {
    handler_.give_credit(stream, bytes);
  }
  void answered(const AnswerRecord& record) override { handler_.answered(record); }
  Direction direct(const RequestHead& head) override { return handler_.direct(head); }
  void call(HostCall call, std::unique_ptr<Invocation> invocation) override {
    handler_.call(std::move(call), std::move(invocation));
  }
  void done(ConnectionId connection) override;
  void over(ConnectionId connection) override;

  void on_response(ConnectionId connection, const protocol::Response& response,
                   const Passage& passage) override;
  void on_response_in_memory(ConnectionId connection, const protocol::Response& response,
                             std::unique_ptr<uv::Content> body, const Passage& passage) override;
  void on_failure(ConnectionId connection, const Failure& failure, const Passage& passage) override;
  bool on_stream_head(ConnectionId connection, std::uint64_t stream,
                      const protocol::StreamHead& head, const Passage& passage) override;
  void on_stream_chunk(ConnectionId connection, std::uint64_t stream,
                       std::string_view bytes) override;
  void on_stream_end(ConnectionId connection, std::uint64_t stream, StreamEnding ending) override;

  void on_connection(uv_stream_t* server);
  void close_door();
  void tell_if_drained();

  uv::Loop& loop_;
  Log& log_;
  const ServerConfig config_;
  std::string lambda_version_;
  const bool logs_access_;
  RequestHandler& handler_;
  Date date_;
  RequestIds request_ids_;
  BodyPool body_pool_;  // Outlives all requests, as their sink does.
  std::uint64_t last_id_ = 0;
  std::size_t buffered_ = 0;
  std::size_t owed_ = 0;  // Connections that may have an answer coming.
  bool leaving_ = false;
  bool draining_ = false;
  bool drained_ = false;
  std::unique_ptr<uv::Listener> listener_;
  uv::Timer last_calls_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
};

}  // namespace lambdapool::supervisor
