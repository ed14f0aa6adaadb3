#include "worker/text.h"

namespace lambdapool::worker {

BoundedText::BoundedText(std::string_view text, std::size_t limit) : view_(text) {
  if (text.size() <= limit) return;
  std::size_t end = limit;
  // A character of UTF-8 has at most three bytes after its first.
  for (int i = 0; i < 3 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80; ++i)
    --end;
  cut_.assign(text.substr(0, end));
  cut_ += " ... [" + std::to_string(text.size() - end) + " bytes left out]";
  view_ = cut_;
}

}  // namespace lambdapool::worker
