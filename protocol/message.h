// The messages of the wire protocol, as plain values; README.md is the contract.
//
// Text and bytes are views: a message to be encoded borrows from its maker, a decoded one from the
// payload it was decoded from, and is valid no longer than that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace lambdapool::protocol {

inline constexpr std::uint32_t kVersion = 3;

struct Field {
  std::string_view name;
  std::string_view value;
  bool operator==(const Field&) const = default;
};
using Fields = std::vector<Field>;

// Down: supervisor to worker.

// What a worker may take, and as whom it runs. Zero: as the supervisor.
struct Limits {
  std::uint64_t memory = 0;  // Bytes of address space.
  std::uint64_t open_files = 0;
  std::uint64_t cpu_seconds = 0;
  std::uint64_t processes = 0;
  std::uint64_t core_bytes = 0;  // Zero: no core file.
  std::uint32_t nice = 0;
  std::uint32_t no_new_privileges = 0;
  std::string_view user = {};  // A name, for its further groups; empty: no other user.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool operator==(const Limits&) const = default;
};

struct Start {
  std::uint32_t version = kVersion;
  std::string_view lambda_root;
  std::string_view lambda_id;
  std::string_view lambda_name;
  std::string_view lambda_version;
  std::string_view pylib;
  std::string_view venv;
  std::string_view event_loop;
  std::string_view log_level;
  std::uint32_t worker = 0;
  std::uint32_t window = 0;
  std::string_view settings = {};  // A JSON object: what the Python side is configured with.
  Limits limits = {};
  // Not zero: a memfd of so many bytes comes with the frame, for the bodies of responses.
  std::uint64_t answer_memory = 0;
  bool operator==(const Start&) const = default;
};

struct Request {
  std::uint64_t id = 0;
  std::uint32_t slot = 0;
  std::uint32_t time_left_ms = 0;
  std::string_view method;
  std::string_view path;   // As the client wrote it, percent-encoded, without the query.
  std::string_view query;  // What follows the first '?', without it.
  Fields headers;
  std::string_view peer;  // The client's address, without its port.
  std::string_view request_id;
  std::uint32_t http_minor = 1;
  std::string_view body;
  // Not zero: the body is not in the frame but in a memfd, so many bytes.
  std::uint64_t body_in_memory = 0;
  // The memfd's number. One that the worker does not know comes with the frame, and is known from
  // then on; so does one without a number (zero), which is for this body alone.
  std::uint64_t memory = 0;
  bool operator==(const Request&) const = default;
};

struct Cancel {
  std::uint64_t id = 0;
  std::string_view reason;
  bool operator==(const Cancel&) const = default;
};

struct Shutdown {
  std::uint32_t limit_ms = 0;
  bool operator==(const Shutdown&) const = default;
};

// More bytes of a streamed response may be sent.
struct Credit {
  std::uint64_t id = 0;
  std::uint64_t bytes = 0;
  bool operator==(const Credit&) const = default;
};

// What do your tasks wait for? Answered by Stacks of the same id.
struct AskStacks {
  std::uint64_t id = 0;
  bool operator==(const AskStacks&) const = default;
};

// From now on log what is of this level or above.
struct SetLogLevel {
  std::string_view level;
  bool operator==(const SetLogLevel&) const = default;
};

// The response body at that place of the answer memory has been sent: the room is the worker's.
struct MemoryFree {
  std::uint64_t place = 0;
  bool operator==(const MemoryFree&) const = default;
};

// The answer memory has not been used for a while: it can go back to the system.
struct MemoryIdle {
  bool operator==(const MemoryIdle&) const = default;
};

// No request names the memfd of that number any more.
struct MemoryForgotten {
  std::uint64_t memory = 0;
  bool operator==(const MemoryForgotten&) const = default;
};

using Down = std::variant<Start, Request, Cancel, Shutdown, Credit, AskStacks, SetLogLevel,
                          MemoryFree, MemoryIdle, MemoryForgotten>;

// Up: worker to supervisor.

struct Ready {
  std::uint32_t version = kVersion;
  std::string_view lambda_type;
  std::string_view event_loop;
  bool operator==(const Ready&) const = default;
};

struct StartFailed {
  std::string_view stage;
  std::string_view text;
  std::string_view traceback;
  bool operator==(const StartFailed&) const = default;
};

struct Response {
  std::uint64_t id = 0;
  std::uint32_t status = 0;
  Fields headers;
  std::string_view body;
  std::string_view route = {};  // The template of the route that matched; empty when none did.
  // Not zero: the body is not in the frame but in the answer memory, so many bytes from `place` on.
  std::uint64_t body_in_memory = 0;
  std::uint64_t place = 0;
  std::size_t body_size() const { return body_in_memory > 0 ? body_in_memory : body.size(); }
  bool operator==(const Response&) const = default;
};

struct Failure {
  std::uint64_t id = 0;
  std::uint32_t status = 0;
  std::string_view kind;
  std::uint32_t error_code = 0;
  std::string_view desc;
  std::string_view detail;
  Fields headers;
  std::string_view route = {};  // The template of the route that matched; empty when none did.
  bool operator==(const Failure&) const = default;
};

struct Log {
  std::string_view level;
  std::string_view request_id;
  std::string_view text;
  bool operator==(const Log&) const = default;
};

// A response whose body follows in pieces.
struct StreamHead {
  std::uint64_t id = 0;
  std::uint32_t status = 0;
  Fields headers;
  std::string_view route = {};  // The template of the route that matched; empty when none did.
  bool operator==(const StreamHead&) const = default;
};

struct StreamChunk {
  std::uint64_t id = 0;
  std::string_view bytes;
  bool operator==(const StreamChunk&) const = default;
};

struct StreamEnd {
  std::uint64_t id = 0;
  std::string_view error;  // Why the body is not whole; empty when it is.
  bool operator==(const StreamEnd&) const = default;
};

// What changed in one series of one of the lambda's own metrics.
struct Metric {
  std::string_view kind;  // "counter", "gauge", "histogram", "summary"
  std::string_view name;
  std::string_view help;
  Fields labels;
  // counter: what was added. gauge: its value. summary: how many observations were added and their
  // sum. histogram: the same two, the upper bounds of its buckets, and how many observations were
  // added to each, the last being +Inf.
  std::vector<double> values;
  bool operator==(const Metric&) const = default;
};

// What all tasks wait for, for people.
struct Stacks {
  std::uint64_t id = 0;
  std::string_view text;
  bool operator==(const Stacks&) const = default;
};

// The memfd of that number could not be taken when it came: it is to be forgotten and may come
// again.
struct MemoryRefused {
  std::uint64_t memory = 0;
  bool operator==(const MemoryRefused&) const = default;
};

using Up = std::variant<Ready, StartFailed, Response, Failure, Log, StreamHead, StreamChunk,
                        StreamEnd, Metric, Stacks, MemoryRefused>;

}  // namespace lambdapool::protocol
