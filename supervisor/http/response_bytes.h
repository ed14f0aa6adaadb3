// Answers -> the bytes of HTTP responses: status line, framing, LUNA's headers, error bodies.
//
// Only this file writes what clients see. It alone decides how a response is framed, whatever a
// lambda says about it, and nothing of a lambda's answer that could break the framing gets through.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/message.h"
#include "supervisor/failure.h"
#include "supervisor/http/date.h"

namespace lambdapool::supervisor {

enum class AfterResponse { kKeepAlive, kClose };

// What a response must know of its request.
struct ResponseContext {
  std::string_view request_id;
  std::string_view lambda_version;
  bool head = false;  // Whether the method is HEAD.
  int minor_version = 1;
  AfterResponse after = AfterResponse::kKeepAlive;
};

// What is wrong with the head of a lambda's response, for its author; nothing when it can be sent.
std::optional<std::string> find_fault(std::uint32_t status, const protocol::Fields& fields);

// Replaces `out` by the response's head. `sends_body` says whether the body follows it.
// Precondition: find_fault found nothing.
void write_response_head(std::string& out, const protocol::Response& response,
                         const ResponseContext& context, Date& date);
bool sends_body(std::uint32_t status, const ResponseContext& context);

// As write_response_head, for a body that comes in pieces: chunked, or for HTTP/1.0 up to the end
// of the connection.
void write_stream_head(std::string& out, const protocol::StreamHead& head,
                       const ResponseContext& context, Date& date);
// Replaces `out` by a piece of a stream's body.
void write_stream_piece(std::string& out, std::string_view bytes, const ResponseContext& context);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Replaces `out` by the whole response that tells of the failure.
void write_failure(std::string& out, const Failure& failure, const ResponseContext& context,
                   Date& date);

inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace lambdapool::supervisor
