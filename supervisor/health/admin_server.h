// The admin listener: health checks, metrics and status over HTTP, answered by the supervisor alone
// and so also while no worker is there, before the first one is ready and while it drains.
//
//   GET /livez    200 while the loop turns
//   GET /readyz   200, or 503 with the reasons as JSON
//   GET /metrics  what Prometheus reads
//   GET /status   what `lambdapool status --json` shows
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/health/readiness.h"
#include "supervisor/http/server.h"
#include "supervisor/json/json.h"

namespace lambdapool::supervisor {

// Who knows the answers.
class AdminHost {
 public:
  virtual std::vector<NotReady> why_not_ready() const = 0;
  virtual std::string metrics_text() const = 0;
  virtual Json status_json() const = 0;

 protected:
  ~AdminHost() = default;
};

class AdminServer final : public uv::Retirable, private RequestHandler {
 public:
  // `listen` is what parse_listen_address takes. Clients are let in at once.
  static std::expected<std::unique_ptr<AdminServer>, std::string> open(
      uv::Loop& loop, Log& log, const std::string& listen, const std::string& lambda_version,
      AdminHost& host);

  // Where it listens, with the port that was picked.
  const std::string& address() const { return address_; }

 private:
  explicit AdminServer(AdminHost& host) : host_(host) {}

  Direction direct(const RequestHead& head) override;
  void submit(std::unique_ptr<Invocation> invocation) override;
  void call(HostCall call, std::unique_ptr<Invocation> invocation) override;
  void abandon(ConnectionId) override {}
  void give_credit(std::uint64_t, std::size_t) override {}
  void answered(const AnswerRecord&) override {}
  void on_drained() override {}

  AdminHost& host_;
  std::string address_;
  std::unique_ptr<Server> server_;
};

}  // namespace lambdapool::supervisor
