// What RFC 9110 and 9112 ask of a request beyond its grammar, and llhttp does not check. Pure.
#pragma once

#include <expected>
#include <string_view>

#include "supervisor/failure.h"
#include "supervisor/http/request_head.h"

namespace lambdapool::supervisor {

// Splits `line`, the request line without its CRLF, into method, target, path, query and version.
std::expected<void, Failure> read_request_line(std::string_view line, RequestHead& head);

// Checks the fields against each other and the version, and fills in what they say about the
// message.
std::expected<void, Failure> check_fields(RequestHead& head);

// A trailer field may not say what only a head may.
bool allowed_in_trailers(std::string_view name);

}  // namespace lambdapool::supervisor
