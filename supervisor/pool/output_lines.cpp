#include "supervisor/pool/output_lines.h"

#include <algorithm>

namespace lambdapool::supervisor {

void OutputLines::feed(std::string_view bytes) {
  // The end of a line whose last part was given already.
  if (cut_ && bytes.starts_with('\n')) bytes.remove_prefix(1);
  if (!bytes.empty()) cut_ = false;
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    const bool whole = newline != std::string_view::npos;
    const std::size_t room = kMaxLineBytes - partial_.size();
    const std::size_t length = std::min(whole ? newline : bytes.size(), room);
    const std::string_view piece = bytes.substr(0, length);
    const bool ends_here = whole && length == newline;
    bytes.remove_prefix(length + (ends_here ? 1 : 0));
    if (!ends_here && length < room) {
      partial_.append(piece);
      return;
    }
    if (partial_.empty()) {
      line_(piece);
    } else {
      partial_.append(piece);
      line_(partial_);
      partial_.clear();
    }
    cut_ = !ends_here && bytes.empty();
    if (!ends_here && bytes.starts_with('\n')) bytes.remove_prefix(1);
  }
}

void OutputLines::finish() {
  if (partial_.empty()) return;
  line_(partial_);
  partial_.clear();
}

}  // namespace lambdapool::supervisor
