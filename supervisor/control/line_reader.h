// Bytes in any pieces -> lines, each bounded, with a memory that is bounded as well.
//
// A line that is over the limit spoils the reader: where the next one begins could be anywhere.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lambdapool::supervisor {

class LineReader {
 public:
  explicit LineReader(std::size_t max_line) : max_line_(max_line) {}

  void feed(std::string_view bytes) { bytes_.append(bytes); }

  // The next whole line, without its end; nothing when none is whole yet.
  std::optional<std::string> next() {
    const auto end = bytes_.find('\n');
    const std::size_t length = end == std::string::npos ? bytes_.size() : end;
    if (length > max_line_) spoiled_ = true;
    if (spoiled_ || end == std::string::npos) return std::nullopt;
    std::string line = bytes_.substr(0, end);
    bytes_.erase(0, end + 1);
    return line;
  }

  // A line was longer than it may be.
  bool spoiled() const { return spoiled_; }
  // What is held and not given yet.
  std::size_t size() const { return bytes_.size(); }

 private:
  std::size_t max_line_;
  std::string bytes_;
  bool spoiled_ = false;
};

}  // namespace lambdapool::supervisor
