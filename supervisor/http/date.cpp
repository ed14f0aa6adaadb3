#include "supervisor/http/date.h"

namespace lambdapool::supervisor {

std::string_view Date::now() {
  const std::time_t second = std::time(nullptr);
  if (second != second_) {
    second_ = second;
    std::tm utc{};
    gmtime_r(&second, &utc);
    size_ = std::strftime(text_.data(), text_.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  }
  return {text_.data(), size_};
}

}  // namespace lambdapool::supervisor
