// Requests that have killed workers, counted; one that has killed too many is isolated for a while.
//
// Invariants: what is held is bounded in number, the oldest goes first; a request is forgotten
// `ttl` after the last worker it killed, isolated or not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/pool/request_fingerprint.h"

namespace lambdapool::supervisor {

struct QuarantineEntry {
  RequestFingerprint request;
  std::uint32_t deaths = 0;
  bool isolated = false;
  Milliseconds left{0};         // Until it is forgotten.
  std::string request_id = {};  // Of the last one that killed a worker; empty when not known.
};

class Quarantine {
 public:
  static constexpr std::size_t kMost = 1024;

  explicit Quarantine(const QuarantineConfig& config) : config_(config) {}
  // Those that are isolated by what was configured before stay so only if it is still so.
  void configure(const QuarantineConfig& config);

  // The request has killed a worker. Says whether that isolates it from now on.
  bool killed(const RequestFingerprint& request, const std::string& request_id, uv::TimePoint now);
  // Whether the request is isolated, and how it stands then. Cheap while none is.
  std::optional<QuarantineEntry> find(const Invocation& invocation, uv::TimePoint now);

  std::vector<QuarantineEntry> list(uv::TimePoint now) const;
  // Forgets all; says how many were isolated.
  std::size_t clear();

 private:
  struct Record {
    std::uint32_t deaths = 0;
    uv::TimePoint last;
    std::string last_id = {};
  };

  bool isolates(const Record& record) const {
    return config_.deaths > 0 && record.deaths >= config_.deaths;
  }
  QuarantineEntry entry(const RequestFingerprint& request, const Record& record,
                        uv::TimePoint now) const;
  void forget_old(uv::TimePoint now);

  QuarantineConfig config_;
  std::map<RequestFingerprint, Record> records_;
  std::size_t isolated_ = 0;
};

}  // namespace lambdapool::supervisor
