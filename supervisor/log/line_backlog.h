// The lines that wait for the log's thread, and its other orders.
//
// Takes memory for what waits and no more. When more lines wait than it holds, the oldest are
// dropped and counted. Any thread may add; the log's thread is woken by whoever finds it at rest.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lambdapool::supervisor {

class LineBacklog {
 public:
  static constexpr std::size_t kMostLines = 8192;

  struct Orders {
    std::deque<std::string> lines;
    std::optional<std::size_t> reopen_before;  // The file, before the line of this index.
  };

  // True: the log's thread is at rest, and the caller has to wake it.
  [[nodiscard]] bool add(std::string_view line) {
    const std::lock_guard held(mutex_);
    if (orders_.lines.size() >= kMostLines) {
      orders_.lines.pop_front();
      ++dropped_;
      if (auto& index = orders_.reopen_before; index && *index > 0) --*index;
    }
    orders_.lines.emplace_back(line);
    return !std::exchange(awake_, true);
  }
  [[nodiscard]] bool ask_to_reopen() {
    const std::lock_guard held(mutex_);
    orders_.reopen_before = orders_.lines.size();
    return !std::exchange(awake_, true);
  }

  // What waits, for the log's thread.
  Orders take() {
    const std::lock_guard held(mutex_);
    return std::exchange(orders_, {});
  }
  // True: nothing waits, and the next one to add something wakes the log's thread.
  bool rest() {
    const std::lock_guard held(mutex_);
    awake_ = !orders_.lines.empty() || orders_.reopen_before.has_value();
    return !awake_;
  }

  // Since the start.
  std::uint64_t dropped() const {
    const std::lock_guard held(mutex_);
    return dropped_;
  }

 private:
  mutable std::mutex mutex_;
  Orders orders_;
  bool awake_ = false;
  std::uint64_t dropped_ = 0;
};

}  // namespace lambdapool::supervisor
