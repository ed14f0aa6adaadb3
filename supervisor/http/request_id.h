// LUNA's request ids: "1700000000,9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0e", the seconds since the
// epoch and a UUID.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace lambdapool::supervisor {

// Whether a client's id is well-formed and may be used as it is.
bool is_request_id(std::string_view text);

// Makes ids that nobody else makes, from the kernel's random numbers taken in blocks.
class RequestIds {
 public:
  std::string next();

 private:
  std::array<std::uint8_t, 4096> random_{};
  std::size_t used_ = random_.size();
};

}  // namespace lambdapool::supervisor
