// What the supervisor and a template process say to each other over a SOCK_SEQPACKET socketpair: a
// packet is one message, a word and its arguments as text. README.md, part *Template process*, says
// in which order.
//
// Neither side trusts the other's packets: decoding never fails otherwise than by saying so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace lambdapool::protocol {

// The template's end; the same number as a worker's channel.
inline constexpr int kTemplateFd = 3;
// The longest packet that a template sends; what would be longer is cut.
inline constexpr std::size_t kMaxTemplatePacket = std::size_t{64} << 10;
// What comes with a fork order: descriptors 0 to 5 of the worker, in this order.
inline constexpr std::size_t kWorkerDescriptors = 6;

// Up: it forks from now on.
struct TemplateReady {};
// Up: it cannot be used, and ends. `text` is for people.
struct TemplateFailed {
  std::string_view text;
};
// Up: the worker of that order is this process, which waits until it has been told.
struct TemplateForked {
  std::uint64_t id;
  int pid;  // 0: the system refused.
};
// Up: a line for the log.
struct TemplateLog {
  std::string_view level;
  std::string_view text;
};
using TemplateUp = std::variant<TemplateReady, TemplateFailed, TemplateForked, TemplateLog>;

std::string encode(const TemplateUp& message);
// Views into `packet`; nothing when it is no message.
std::optional<TemplateUp> decode_template(std::string_view packet);

// Down: fork a worker.
std::string encode_fork(std::uint64_t id);
std::optional<std::uint64_t> decode_fork(std::string_view packet);

}  // namespace lambdapool::protocol
