#include "supervisor/http/head_lines.h"

#include <algorithm>
#include <string>

namespace lambdapool::supervisor {
namespace {

Failure bad(const std::string& detail) { return make_failure(FailureKind::kBadRequest, detail); }

std::string over(std::string_view what, std::string_view key, std::size_t limit) {
  return std::string(what) + " is over " + std::string(key) + " (" + std::to_string(limit) + ")";
}

// A request line is its target and at most this much more.
constexpr std::size_t kRequestLineRest = 32;

}  // namespace

std::optional<std::string_view> HeadLines::request_line(std::string_view bytes) const {
  if (lines_ == 0) return std::nullopt;
  return bytes.substr(0, bytes.find('\r'));
}

void HeadLines::reset() {
  line_begin_ = 0;
  scanned_ = 0;
  lines_ = 0;
}

std::optional<Failure> HeadLines::check_length(std::size_t line_bytes) const {
  if (lines_ == 0) {
    if (line_bytes <= limits_.max_target + kRequestLineRest) return std::nullopt;
    return make_failure(FailureKind::kTargetTooLong,
                        over("the request target", "server.max_target", limits_.max_target));
  }
  if (line_bytes <= limits_.max_field) return std::nullopt;
  return make_failure(FailureKind::kHeadTooLarge,
                      over("a header field", "server.max_field", limits_.max_field));
}

std::optional<Failure> HeadLines::check_line(std::string_view line) {
  if (auto failure = check_length(line.size())) return failure;
  if (line.find('\r') != std::string_view::npos) return bad("a CR that no LF follows");
  if (lines_ > 0) {
    if (line.front() == ' ' || line.front() == '\t')
      return bad("a header line that begins with white space");
    if (line.front() == ':') return bad("a header field without a name");
    if (lines_ > limits_.max_fields) {
      return make_failure(
          FailureKind::kHeadTooLarge,
          over("the number of header fields", "server.max_fields", limits_.max_fields));
    }
  }
  ++lines_;
  return std::nullopt;
}

std::expected<std::optional<std::size_t>, Failure> HeadLines::find_end(std::string_view bytes) {
  for (;;) {
    const auto newline = bytes.find('\n', scanned_);
    const std::size_t end = newline == std::string_view::npos ? bytes.size() : newline + 1;
    if (end > limits_.max_head) {
      if (auto failure = check_length(end - line_begin_)) return std::unexpected(*failure);
      return std::unexpected(make_failure(FailureKind::kHeadTooLarge,
                                          over("the head", "server.max_head", limits_.max_head)));
    }
    if (newline == std::string_view::npos) {
      scanned_ = bytes.size();
      const std::size_t end_of_line = bytes.ends_with('\r') ? 1 : 0;
      const std::size_t so_far = bytes.size() - line_begin_;
      if (auto failure = check_length(so_far - std::min(so_far, end_of_line))) {
        return std::unexpected(*failure);
      }
      return std::nullopt;
    }
    if (newline == line_begin_ || bytes[newline - 1] != '\r')
      return std::unexpected(bad("a line that ends without CR"));
    const std::string_view line = bytes.substr(line_begin_, newline - 1 - line_begin_);
    line_begin_ = scanned_ = end;
    if (line.empty()) return end;
    if (auto failure = check_line(line)) return std::unexpected(*failure);
  }
}

}  // namespace lambdapool::supervisor
