// Bytes in any pieces -> whole frames, bounded.
//
// Fill `space()`, say how much with `filled()`, then take frames with `next()` until it has none.
// Invariants: a length is checked before memory is taken for it, and memory grows with the bytes
// that have really come, so a peer that only claims a large frame costs nothing. After an error the
// decoder says the same error for ever.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace lambdapool::protocol {

enum class FrameError {
  kEmpty,    // A length of zero.
  kTooLong,  // A length over the limit.
};
std::string_view to_string(FrameError error);

class FrameDecoder {
 public:
  explicit FrameDecoder(std::size_t max_frame_bytes);

  // Room for at least one more byte of input. Ends the life of every payload that `next()` gave.
  std::span<char> space();
  void filled(std::size_t bytes);

  // The next whole payload, or nothing when more bytes are needed.
  std::expected<std::optional<std::string_view>, FrameError> next();

  // Bytes held that are no whole frame yet: nonzero at end-of-file means a frame was cut off.
  std::size_t pending() const { return end_ - begin_; }

 private:
  void make_room();

  std::size_t max_frame_bytes_;
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<char, Free> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::optional<FrameError> error_;
};

}  // namespace lambdapool::protocol
