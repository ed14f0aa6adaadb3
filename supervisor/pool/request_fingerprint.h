// What makes two requests the same for the quarantine: method, target and body.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "supervisor/pool/invocation.h"

namespace lambdapool::supervisor {

struct RequestFingerprint {
  std::string method;
  std::string target;      // At most its first kMostTarget bytes.
  std::uint64_t hash = 0;  // Of the whole target and the body.
  std::uint64_t body_bytes = 0;

  static constexpr std::size_t kMostTarget = 1024;
  auto operator<=>(const RequestFingerprint&) const = default;
};

RequestFingerprint fingerprint_of(const Invocation& invocation);

}  // namespace lambdapool::supervisor
