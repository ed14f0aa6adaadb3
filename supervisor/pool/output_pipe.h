// One worker's standard output or standard error: read as it comes, line by line into the log.
//
// The pipe is always read, so that a lambda that prints never waits for the log; a lambda that
// floods it loses lines beyond kLinesPerSecond, and the log says how many.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/pool/output_lines.h"
#include "supervisor/uv/file_descriptor.h"
#include "supervisor/uv/poll.h"

namespace lambdapool::supervisor {

class OutputPipe {
 public:
  using Dropped = std::function<void(std::uint64_t lines)>;
  static constexpr std::uint64_t kLinesPerSecond = 1000;
  // How many lines are kept for when the worker dies, and how much of each.
  static constexpr std::size_t kKeptLines = 20;
  static constexpr std::size_t kKeptBytes = 1024;

  // `pipe` is the non-blocking reading end.
  OutputPipe(uv::Loop& loop, uv::FileDescriptor pipe, OutputLines::Line line, Dropped dropped);

  // The last lines, the oldest first; those that were dropped from the log as well.
  std::vector<std::string> last_lines() const { return {last_.begin(), last_.end()}; }

  // Takes what is left when the worker has died.
  void finish();

 private:
  static constexpr std::size_t kReadBytes = std::size_t{64} << 10;

  bool read_some();
  void take_line(std::string_view text);
  void keep(std::string_view text);

  uv::FileDescriptor pipe_;
  OutputLines::Line line_;
  Dropped dropped_;
  OutputLines lines_;
  uv::Poll poll_;
  std::chrono::steady_clock::time_point second_began_;
  std::uint64_t lines_this_second_ = 0;
  std::deque<std::string> last_;
};

}  // namespace lambdapool::supervisor
