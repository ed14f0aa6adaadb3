// Messages <-> frames. The only door to msgpack in the tree: its types and exceptions stop here.
//
// Encoding cannot fail. Decoding trusts nothing: whatever the bytes are, the answer is a message or
// the reason why they are none. The message tables of README.md are written here once, as code.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/message.h"

namespace lambdapool::protocol {

// Appends the whole frame, its length included.
void append(std::string& out, const Start& message);
void append(std::string& out, const Request& message);
void append(std::string& out, const Cancel& message);
void append(std::string& out, const Shutdown& message);
void append(std::string& out, const Ready& message);
void append(std::string& out, const StartFailed& message);
void append(std::string& out, const Response& message);
void append(std::string& out, const Failure& message);
void append(std::string& out, const Log& message);
void append(std::string& out, const Credit& message);
void append(std::string& out, const StreamHead& message);
void append(std::string& out, const StreamChunk& message);
void append(std::string& out, const StreamEnd& message);
void append(std::string& out, const Metric& message);
void append(std::string& out, const AskStacks& message);
void append(std::string& out, const SetLogLevel& message);
void append(std::string& out, const MemoryFree& message);
void append(std::string& out, const MemoryIdle& message);
void append(std::string& out, const MemoryForgotten& message);
void append(std::string& out, const Stacks& message);
void append(std::string& out, const MemoryRefused& message);

// The fields of a request that stay the same however often and to whichever worker it is sent: from
// the method up to and without the body. Encoded once, then sent with `append_request`, which makes
// the same bytes as `append`.
std::string encode_request_fields(const Request& message);
void append_request(std::string& out, std::uint64_t id, std::uint32_t slot,
                    std::uint32_t time_left_ms, std::string_view request_fields,
                    std::string_view body);
// As append_request, for a body of that many bytes in the memfd of that number, which is sent with
// the frame if the worker does not know it.
void append_request_with_memory(std::string& out, std::uint64_t id, std::uint32_t slot,
                                std::uint32_t time_left_ms, std::string_view request_fields,
                                std::uint64_t body_bytes, std::uint64_t memory);

// Appends the frame of a response without the bytes of its body, whose place in `out` it gives.
std::size_t append_around_body(std::string& out, const Response& message);

// Replaces the place in the encoded frame of a response whose body is in memory.
void set_place(std::string& frame, std::uint64_t place);

// What a request is for, read back from its encoded fields; nothing when they are not such fields.
struct RequestTarget {
  std::string_view method;
  std::string_view path;
  std::string_view query;
};
std::optional<RequestTarget> read_request_target(std::string_view request_fields);

// What is wrong with a payload, for the log.
struct DecodeError {
  std::string text;
};

// `payload` is one frame without its length; the views in the message point into it.
std::expected<Down, DecodeError> decode_down(std::string_view payload);
std::expected<Up, DecodeError> decode_up(std::string_view payload);

}  // namespace lambdapool::protocol
