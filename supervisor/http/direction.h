// Who answers a request; decided when its head has come, before its body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "supervisor/failure.h"

namespace lambdapool::supervisor {

// The lambda does.
struct ToLambda {
  std::string path = {};  // As the lambda is to see it; empty: as the client sent it.
};

// The supervisor does, at once.
struct HostAnswer {
  std::variant<std::string, Failure> content;  // A body, or why there is none.
  std::string_view content_type;
  std::string_view route;
  std::uint32_t status = 200;  // Of a body.
};

// A service of the supervisor does, when the whole request has come.
struct HostCall {
  std::string method;
  std::string path;        // Percent-encoded, as it was sent.
  std::string query;       // Without its '?'.
  std::string account_id;  // The header Luna-Account-Id as it was sent; empty when it was not.
};

using Direction = std::variant<ToLambda, HostAnswer, HostCall>;

}  // namespace lambdapool::supervisor
