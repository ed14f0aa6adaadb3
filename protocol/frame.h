// The framing constants of README.md.
#pragma once

#include <cstddef>

namespace lambdapool::protocol {

inline constexpr std::size_t kHeaderBytes = 4;

// The largest body that may be configured, and what a message carries beside its body.
inline constexpr std::size_t kMaxBodyBytes = std::size_t{256} << 20;
inline constexpr std::size_t kMaxFrameBytes = kMaxBodyBytes + (std::size_t{1} << 20);

// What a worker may send of a streamed body before it is given credit.
inline constexpr std::size_t kInitialCredit = std::size_t{256} << 10;

// How many bytes of the answer memory may be free without the worker having been told: it is told
// together with something else, if that comes soon.
inline constexpr std::size_t kMostUntoldFree = std::size_t{1} << 20;

}  // namespace lambdapool::protocol
