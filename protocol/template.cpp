#include "protocol/template.h"

#include <charconv>

namespace lambdapool::protocol {
namespace {

constexpr std::string_view kReady = "ready";
constexpr std::string_view kFailed = "failed";
constexpr std::string_view kForked = "forked";
constexpr std::string_view kLog = "log";
constexpr std::string_view kFork = "fork";

// Takes the text up to the next blank, and the blank, off the front.
std::string_view take_word(std::string_view& rest) {
  const auto end = rest.find(' ');
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string joined(std::string_view word, std::string_view first, std::string_view second = {}) {
  std::string packet(word);
  packet.append(" ").append(first);
  if (!second.empty()) packet.append(" ").append(second);
  if (packet.size() > kMaxTemplatePacket) packet.resize(kMaxTemplatePacket);
  return packet;
}

}  // namespace

std::string encode(const TemplateUp& message) {
  if (const auto* failed = std::get_if<TemplateFailed>(&message)) {
    return joined(kFailed, failed->text);
  }
  if (const auto* forked = std::get_if<TemplateForked>(&message)) {
    return joined(kForked, std::to_string(forked->id), std::to_string(forked->pid));
  }
  if (const auto* log = std::get_if<TemplateLog>(&message)) {
    return joined(kLog, log->level, log->text);
  }
  return std::string(kReady);
}

std::optional<TemplateUp> decode_template(std::string_view packet) {
  std::string_view rest = packet;
  const std::string_view word = take_word(rest);
  if (word == kReady) return TemplateReady{};
  if (word == kFailed) return TemplateFailed{rest};
  if (word == kForked) {
    const auto id = to_number<std::uint64_t>(take_word(rest));
    const auto pid = to_number<int>(rest);
    if (!id || !pid || *pid < 0) return std::nullopt;
    return TemplateForked{*id, *pid};
  }
  if (word == kLog) {
    const std::string_view level = take_word(rest);
    return TemplateLog{level, rest};
  }
  return std::nullopt;
}

std::string encode_fork(std::uint64_t id) { return joined(kFork, std::to_string(id)); }

std::optional<std::uint64_t> decode_fork(std::string_view packet) {
  std::string_view rest = packet;
  if (take_word(rest) != kFork) return std::nullopt;
  return to_number<std::uint64_t>(rest);
}

}  // namespace lambdapool::protocol
