// How the worker program ends. The supervisor gives no meaning to these numbers: that a start
// failed is said by a frame, and every exit it did not ask for is a crash.
#pragma once

namespace lambdapool::worker {

inline constexpr int kExitClean = 0;
inline constexpr int kExitStartFailed = 1;
inline constexpr int kExitUsage = 64;
inline constexpr int kExitInternal = 70;

}  // namespace lambdapool::worker
