#include "protocol/frame_decoder.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>

#include "protocol/frame.h"

namespace lambdapool::protocol {
namespace {

constexpr std::size_t kSmallBuffer = std::size_t{64} << 10;
constexpr std::size_t kKeptBuffer = std::size_t{1} << 20;

std::size_t read_length(const char* bytes) {
  const auto* octets = reinterpret_cast<const std::uint8_t*>(bytes);
  return (std::size_t{octets[0]} << 24) | (std::size_t{octets[1]} << 16) |
         (std::size_t{octets[2]} << 8) | std::size_t{octets[3]};
}

}  // namespace

std::string_view to_string(FrameError error) {
  switch (error) {
    case FrameError::kEmpty:
      return "a frame of length zero";
    case FrameError::kTooLong:
      return "a frame over the length limit";
  }
  return "a framing error";
}

FrameDecoder::FrameDecoder(std::size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

std::span<char> FrameDecoder::space() {
  make_room();
  return {buffer_.get() + end_, capacity_ - end_};
}

void FrameDecoder::filled(std::size_t bytes) { end_ += bytes; }

void FrameDecoder::make_room() {
  const std::size_t held = end_ - begin_;
  if (held == 0) {
    begin_ = end_ = 0;
    // One large frame does not hold its memory for the rest of a worker's life.
    if (capacity_ > kKeptBuffer) capacity_ = 0;
  }
  if (capacity_ - end_ > capacity_ / 4) return;
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, held);
    begin_ = 0;
    end_ = held;
    if (capacity_ - end_ > capacity_ / 4) return;
  }
  capacity_ = std::max(capacity_ * 2, kSmallBuffer);
  // What is large can often be made larger without being copied.
  if (held == 0) buffer_.reset();
  char* const larger = static_cast<char*>(std::realloc(buffer_.get(), capacity_));
  if (larger == nullptr) throw std::bad_alloc();
  [[maybe_unused]] const char* const moved = buffer_.release();
  buffer_.reset(larger);
}

std::expected<std::optional<std::string_view>, FrameError> FrameDecoder::next() {
  if (error_) return std::unexpected(*error_);
  if (end_ - begin_ < kHeaderBytes) return std::nullopt;
  const std::size_t length = read_length(buffer_.get() + begin_);
  if (length == 0) error_ = FrameError::kEmpty;
  if (length > max_frame_bytes_) error_ = FrameError::kTooLong;
  if (error_) return std::unexpected(*error_);
  if (end_ - begin_ - kHeaderBytes < length) return std::nullopt;
  const std::string_view payload(buffer_.get() + begin_ + kHeaderBytes, length);
  begin_ += kHeaderBytes + length;
  return payload;
}

}  // namespace lambdapool::protocol
