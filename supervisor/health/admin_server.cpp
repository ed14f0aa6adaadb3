#include "supervisor/health/admin_server.h"

#include <array>

#include "supervisor/config/listen_address.h"
#include "supervisor/control/status_json.h"

namespace lambdapool::supervisor {
namespace {

// Its file may be read by a group, such as that of a load balancer.
constexpr unsigned kOwnerAndGroup = 0660;
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kPrometheus = "text/plain; version=0.0.4; charset=utf-8";

// Its clients are few and quick, and send nothing but heads.
ServerConfig limits() {
  ServerConfig config;
  config.max_body = 1024;
  config.max_buffered = std::size_t{1} << 20;
  config.max_head = std::size_t{16} << 10;
  config.max_target = 1024;
  config.max_connections = 32;
  config.header_timeout = Milliseconds{5'000};
  config.body_timeout = Milliseconds{5'000};
  config.idle_timeout = Milliseconds{30'000};
  config.write_timeout = Milliseconds{10'000};
  return config;
}

// Requests with a body of their own never get to a worker here.
HostAnswer not_allowed(std::string_view route) {
  Failure failure = make_failure(FailureKind::kMethodNotAllowed, "Method not allowed");
  failure.headers.emplace_back("Allow", "GET, HEAD");
  return {std::move(failure), {}, route};
}

std::expected<std::unique_ptr<uv::Listener>, std::string> bind(uv::Loop& loop,
                                                               const ListenAddress& address) {
  if (!address.path.empty()) return uv::Listener::bind_unix(loop, address.path, kOwnerAndGroup);
  return uv::Listener::bind(loop, address.host, address.port);
}

}  // namespace

std::expected<std::unique_ptr<AdminServer>, std::string> AdminServer::open(
    uv::Loop& loop, Log& log, const std::string& listen, const std::string& lambda_version,
    AdminHost& host) {
  auto address = parse_listen_address(listen);
  if (!address) return std::unexpected("admin.listen: " + address.error());
  auto listener = bind(loop, *address);
  if (!listener) return std::unexpected(listener.error() + " (admin.listen)");

  std::unique_ptr<AdminServer> admin(new AdminServer(host));
  admin->server_ = Server::over(loop, log, std::move(*listener), limits(), lambda_version,
                                /*logs_access=*/false, static_cast<RequestHandler&>(*admin));
  if (const auto listening = admin->server_->listen(); !listening) {
    return std::unexpected(listening.error() + " (admin.listen)");
  }
  if (address->path.empty()) address->port = admin->server_->port();
  admin->address_ = to_string(*address);
  return admin;
}

Direction AdminServer::direct(const RequestHead& head) {
  constexpr std::array<std::string_view, 4> kRoutes = {"/livez", "/readyz", "/metrics", "/status"};
  for (const std::string_view route : kRoutes) {
    if (head.path != route) continue;
    if (head.method != "GET" && head.method != "HEAD") return not_allowed(route);
    if (route == "/livez") return HostAnswer{R"({"live":true})", kJson, route};
    if (route == "/metrics") return HostAnswer{host_.metrics_text(), kPrometheus, route};
    if (route == "/status") return HostAnswer{json_text(host_.status_json()), kJson, route};
    constexpr std::uint32_t kOk = 200;
    constexpr std::uint32_t kUnavailable = 503;
    const auto reasons = host_.why_not_ready();
    return HostAnswer{json_text({{"ready", reasons.empty()}, {"reasons", to_json(reasons)}}), kJson,
                      route, reasons.empty() ? kOk : kUnavailable};
  }
  return HostAnswer{
      make_failure(FailureKind::kNotFound,
                   "there is nothing here; the admin listener answers /livez, /readyz, /metrics "
                   "and /status"),
      {},
      {}};
}

// Everything is answered by `direct`.
void AdminServer::submit(std::unique_ptr<Invocation> invocation) {
  fail(std::move(invocation), make_failure(FailureKind::kInternal, "nobody answers this request"));
}

void AdminServer::call(HostCall, std::unique_ptr<Invocation> invocation) {
  submit(std::move(invocation));
}

}  // namespace lambdapool::supervisor
