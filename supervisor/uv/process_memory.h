// What a process holds in memory now.
#pragma once

#include <cstdint>

namespace lambdapool::supervisor::uv {

// Resident bytes; zero when the process is no more.
std::uint64_t resident_bytes(int pid);

}  // namespace lambdapool::supervisor::uv
