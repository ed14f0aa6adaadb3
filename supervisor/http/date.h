// The value of the Date header, made once a second.
#pragma once

#include <array>
#include <ctime>
#include <string_view>

namespace lambdapool::supervisor {

class Date {
 public:
  // "Tue, 24 Nov 2026 05:40:00 GMT"; valid until the next call.
  std::string_view now();

 private:
  std::time_t second_ = 0;
  std::array<char, 40> text_{};
  std::size_t size_ = 0;
};

}  // namespace lambdapool::supervisor
