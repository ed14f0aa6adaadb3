#include "supervisor/pool/request_fingerprint.h"

#include <functional>

#include "protocol/codec.h"

namespace lambdapool::supervisor {
namespace {

// An odd number without structure, so that target and body do not cancel each other out.
constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15;

}  // namespace

RequestFingerprint fingerprint_of(const Invocation& invocation) {
  const auto read = protocol::read_request_target(invocation.request_fields());
  if (!read) return {};
  std::string target(read->path);
  if (!read->query.empty()) target.append("?").append(read->query);
  const std::hash<std::string_view> hash;
  const std::uint64_t both = hash(target) * kMultiplier ^ hash(invocation.body());
  target.resize(std::min(target.size(), RequestFingerprint::kMostTarget));
  return {std::string(read->method), std::move(target), both, invocation.body().size()};
}

}  // namespace lambdapool::supervisor
