#include "supervisor/pool/output_pipe.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {

OutputPipe::OutputPipe(uv::Loop& loop, uv::FileDescriptor pipe, OutputLines::Line line,
                       Dropped dropped)
    : pipe_(std::move(pipe)),
      line_(std::move(line)),
      dropped_(std::move(dropped)),
      lines_([this](std::string_view text) { take_line(text); }),
      poll_(loop, pipe_.get(), [this](uv::Watch) { read_some(); }),
      second_began_(std::chrono::steady_clock::now()) {
  poll_.watch(uv::Watch::kReadable);
}

// False when nothing more can come now.
bool OutputPipe::read_some() {
  std::array<char, kReadBytes> buffer;
  const ssize_t count = ::read(pipe_.get(), buffer.data(), buffer.size());
  if (count > 0) {
    lines_.feed({buffer.data(), static_cast<std::size_t>(count)});
    return true;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  poll_.stop();
  return false;
}

void OutputPipe::keep(std::string_view text) {
  // The oldest one's memory is used again.
  std::string line;
  if (last_.size() == kKeptLines) {
    line = std::move(last_.front());
    last_.pop_front();
  }
  line = clipped(text, kKeptBytes);
  last_.push_back(std::move(line));
}

void OutputPipe::take_line(std::string_view text) {
  keep(text);
  const auto now = std::chrono::steady_clock::now();
  if (now - second_began_ >= std::chrono::seconds(1)) {
    if (lines_this_second_ > kLinesPerSecond) dropped_(lines_this_second_ - kLinesPerSecond);
    second_began_ = now;
    lines_this_second_ = 0;
  }
  if (++lines_this_second_ <= kLinesPerSecond) line_(text);
}

void OutputPipe::finish() {
  // A child that the lambda left behind may still write: what is there now is enough.
  constexpr int kMostReads = 32;
  for (int i = 0; i < kMostReads && read_some(); ++i) {
  }
  lines_.finish();
  if (lines_this_second_ > kLinesPerSecond) dropped_(lines_this_second_ - kLinesPerSecond);
  lines_this_second_ = 0;
  poll_.stop();
}

}  // namespace lambdapool::supervisor
