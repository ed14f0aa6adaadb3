// Bytes of a worker's standard output or error in any pieces -> lines, bounded.
//
// A line over the limit comes in parts of that size. What is left without a newline is a line of
// its own at the end.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace lambdapool::supervisor {

class OutputLines {
 public:
  using Line = std::function<void(std::string_view)>;
  static constexpr std::size_t kMaxLineBytes = std::size_t{16} << 10;

  explicit OutputLines(Line line) : line_(std::move(line)) {}

  void feed(std::string_view bytes);
  void finish();

 private:
  Line line_;
  std::string partial_;
  bool cut_ = false;  // The last part was given without the end of its line.
};

}  // namespace lambdapool::supervisor
