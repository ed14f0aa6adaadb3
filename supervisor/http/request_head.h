// The head of one HTTP request, checked: what the rest of the supervisor needs to know of it.
//
// All views point into the bytes of the head and are valid as long as those are.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/message.h"

namespace lambdapool::supervisor {

struct RequestHead {
  std::string_view method;
  std::string_view target;  // As the client wrote it.
  std::string_view path;    // Of the target, still percent-encoded.
  std::string_view query;   // After the first '?', without it.
  int minor_version = 1;    // Of HTTP/1.x.
  protocol::Fields fields;

  // What the fields say, filled in by check_fields.
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
};

}  // namespace lambdapool::supervisor
