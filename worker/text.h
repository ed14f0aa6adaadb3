// Bounds for text written for people, whatever length a lambda gives it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lambdapool::worker {

inline constexpr std::size_t kMaxLogText = std::size_t{256} << 10;
inline constexpr std::size_t kMaxErrorText = std::size_t{1} << 20;

// A text that is never longer than `limit` plus a short note of how much was left out. It borrows
// `text` when nothing has to go, and cuts between two characters of UTF-8, never inside one.
class BoundedText {
 public:
  BoundedText(std::string_view text, std::size_t limit);
  BoundedText(const BoundedText&) = delete;
  BoundedText& operator=(const BoundedText&) = delete;

  std::string_view view() const { return view_; }

 private:
  std::string cut_;
  std::string_view view_;
};

}  // namespace lambdapool::worker
