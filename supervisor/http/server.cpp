#include "supervisor/http/server.h"

#include <vector>

namespace lambdapool::supervisor {
namespace {

constexpr int kBacklog = 4096;

std::uint64_t key(ConnectionId id) { return static_cast<std::uint64_t>(id); }
// The kernel resets connections that nobody has accepted yet when the listener goes, so there is
// one more turn of the loop in which they are.
constexpr Milliseconds kLastCalls{1};

}  // namespace

std::expected<std::unique_ptr<Server>, std::string> Server::bind(uv::Loop& loop, Log& log,
                                                                 const ServerConfig& config,
                                                                 std::string lambda_version,
                                                                 bool logs_access,
                                                                 RequestHandler& handler) {
  auto listener = uv::Listener::bind(loop, config.host, config.port);
  if (!listener) {
    return std::unexpected(listener.error() + " (--host and --port, server.host and server.port)");
  }
  return over(loop, log, std::move(*listener), config, std::move(lambda_version), logs_access,
              handler);
}

std::unique_ptr<Server> Server::over(uv::Loop& loop, Log& log,
                                     std::unique_ptr<uv::Listener> listener,
                                     const ServerConfig& config, std::string lambda_version,
                                     bool logs_access, RequestHandler& handler) {
  std::unique_ptr<Server> server(
      new Server(loop, log, config, std::move(lambda_version), logs_access, handler));
  server->listener_ = std::move(listener);
  return server;
}

Server::Server(uv::Loop& loop, Log& log, const ServerConfig& config, std::string lambda_version,
               bool logs_access, RequestHandler& handler)
    : loop_(loop),
      log_(log),
      config_(config),
      lambda_version_(std::move(lambda_version)),
      logs_access_(logs_access),
      handler_(handler),
      body_pool_(loop),
      last_calls_(loop, [this] { close_door(); }) {}

Server::~Server() = default;

std::expected<void, std::string> Server::listen() {
  return listener_->listen(kBacklog, [this](uv_stream_t* server) { on_connection(server); });
}

void Server::on_connection(uv_stream_t* server) {
  const ConnectionId id{++last_id_};
  auto accepted = Connection::accept(loop_, server, id, *this);
  if (accepted == nullptr) return;
  Connection& connection = *accepted;
  connections_.emplace(key(id), std::move(accepted));
  ++owed_;
  if (connections_.size() > config_.max_connections) {
    return connection.refuse(make_failure(FailureKind::kTooManyConnections,
                                          "the server has " +
                                              std::to_string(config_.max_connections) +
                                              " connections (server.max_connections)"));
  }
  connection.start();
}

void Server::drain() {
  leaving_ = true;
  last_calls_.start(kLastCalls);
}

void Server::close_door() {
  draining_ = true;
  listener_.reset();
  std::vector<Connection*> connections;
  connections.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) connections.push_back(connection.get());
  // Those that end are destroyed later, by the loop.
  for (Connection* connection : connections) connection->drain();
  tell_if_drained();
}

bool Server::buffer(std::int64_t more) {
  if (more > 0 && buffered_ + static_cast<std::size_t>(more) > config_.max_buffered) return false;
  buffered_ = static_cast<std::size_t>(static_cast<std::int64_t>(buffered_) + more);
  return true;
}

void Server::done(ConnectionId) {
  --owed_;
  tell_if_drained();
}

void Server::over(ConnectionId connection) {
  const auto found = connections_.find(key(connection));
  if (found == connections_.end()) return;
  loop_.retire(std::move(found->second));
  connections_.erase(found);
}

void Server::tell_if_drained() {
  if (!draining_ || drained_ || owed_ > 0) return;
  drained_ = true;
  handler_.on_drained();
}

void Server::on_response(ConnectionId connection, const protocol::Response& response,
                         const Passage& passage) {
  if (const auto found = connections_.find(key(connection)); found != connections_.end()) {
    found->second->on_response(response, nullptr, passage);
  }
}

void Server::on_response_in_memory(ConnectionId connection, const protocol::Response& response,
                                   std::unique_ptr<uv::Content> body, const Passage& passage) {
  if (const auto found = connections_.find(key(connection)); found != connections_.end()) {
    found->second->on_response(response, std::move(body), passage);
  }
}

void Server::on_failure(ConnectionId connection, const Failure& failure, const Passage& passage) {
  if (const auto found = connections_.find(key(connection)); found != connections_.end()) {
    found->second->on_failure(failure, passage);
  }
}

bool Server::on_stream_head(ConnectionId connection, std::uint64_t stream,
                            const protocol::StreamHead& head, const Passage& passage) {
  const auto found = connections_.find(key(connection));
  return found != connections_.end() && found->second->on_stream_head(stream, head, passage);
}

void Server::on_stream_chunk(ConnectionId connection, std::uint64_t stream,
                             std::string_view bytes) {
  if (const auto found = connections_.find(key(connection)); found != connections_.end()) {
    found->second->on_stream_chunk(stream, bytes);
  }
}

void Server::on_stream_end(ConnectionId connection, std::uint64_t stream, StreamEnding ending) {
  if (const auto found = connections_.find(key(connection)); found != connections_.end()) {
    found->second->on_stream_end(stream, ending);
  }
}

}  // namespace lambdapool::supervisor
