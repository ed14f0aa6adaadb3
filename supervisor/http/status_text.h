// The reason phrases of HTTP status codes.
#pragma once

#include <cstdint>
#include <string_view>

namespace lambdapool::supervisor {

// "OK" for 200; "Status" for a code that has no name.
std::string_view status_text(std::uint32_t status);

}  // namespace lambdapool::supervisor
