#include "supervisor/control/control_server.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace lambdapool::supervisor {
namespace {

constexpr int kBacklog = 64;
constexpr unsigned kOwnerOnly = 0600;

}  // namespace

ControlServer::ControlServer(uv::Loop& loop, Log& log, std::string path, ControlHandler& handler,
                             Milliseconds idle_timeout)
    : loop_(loop),
      log_(log),
      path_(std::move(path)),
      handler_(handler),
      idle_timeout_(idle_timeout) {}

ControlServer::~ControlServer() = default;

std::expected<std::unique_ptr<ControlServer>, std::string> ControlServer::open(
    uv::Loop& loop, Log& log, const std::string& path, ControlHandler& handler,
    Milliseconds idle_timeout) {
  auto listener = uv::Listener::bind_unix(loop, path, kOwnerOnly);
  if (!listener) return std::unexpected(listener.error());
  std::unique_ptr<ControlServer> server(new ControlServer(loop, log, path, handler, idle_timeout));
  ControlServer* self = server.get();
  server->listener_ = std::move(*listener);
  const auto listening = server->listener_->listen(
      kBacklog, [self](uv_stream_t* stream) { self->on_connection(stream); });
  if (!listening) return std::unexpected(listening.error());
  return server;
}

void ControlServer::on_connection(uv_stream_t* server) {
  auto accepted = ControlConnection::accept(loop_, server, idle_timeout_, *this);
  if (accepted == nullptr) return;
  ControlConnection& connection = *accepted;
  clients_.push_back({std::move(accepted), {}});
  const auto user = connection.peer_user();
  if (!user || (*user != geteuid() && *user != 0)) {
    log_.warning("control socket refused a user",
                 {{"uid", user ? static_cast<std::int64_t>(*user) : -1}});
    return connection.refuse("only the user who runs this supervisor, and root, may control it");
  }
  if (clients_.size() > kMaxConnections) {
    return connection.refuse("there are " + std::to_string(kMaxConnections) +
                             " connections to this socket already; try again");
  }
  connection.start();
}

void ControlServer::on_request(ControlConnection& connection, ControlRequest request) {
  const ControlId id{++last_id_};
  const auto found = std::ranges::find_if(
      clients_, [&](const Client& client) { return client.connection.get() == &connection; });
  found->waits_for = id;
  if (!std::holds_alternative<control::Status>(request)) {
    log_.info("control", {{"request", control_line(request)}});
  }
  handler_.control(id, request);
}

void ControlServer::answer(ControlId id, const ControlResult& result) {
  const auto found = std::ranges::find(clients_, id, &Client::waits_for);
  if (found == clients_.end()) return;
  found->waits_for = {};
  found->connection->answer(result);
}

void ControlServer::on_over(ControlConnection& connection) {
  const auto found = std::ranges::find_if(
      clients_, [&](const Client& client) { return client.connection.get() == &connection; });
  if (found == clients_.end()) return;
  loop_.retire(std::move(found->connection));
  clients_.erase(found);
}

}  // namespace lambdapool::supervisor
