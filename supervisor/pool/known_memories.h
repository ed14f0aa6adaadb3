// Which memories for request bodies one worker has been given and not been told to forget.
//
// Invariants: they are few and none is large, so that a worker that keeps them keeps little; one
// that is not used goes soon, because it is nobody's to use again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "supervisor/uv/loop.h"

namespace lambdapool::supervisor {

class KnownMemories {
 public:
  static constexpr std::size_t kMost = 16;
  static constexpr std::size_t kLargest = std::size_t{4} << 20;
  static constexpr std::chrono::milliseconds kKept{1'000};

  bool empty() const { return known_.empty(); }

  // True: the worker has it.
  bool use(std::uint64_t number, uv::TimePoint now) {
    const auto found = std::ranges::find(known_, number, &Known::number);
    if (found == known_.end()) return false;
    found->used = now;
    return true;
  }
  // The worker is given it. Says which one it has to forget for that, if any.
  std::optional<std::uint64_t> add(std::uint64_t number, uv::TimePoint now) {
    std::optional<std::uint64_t> forgotten;
    if (known_.size() >= kMost) {
      const auto oldest = std::ranges::min_element(known_, {}, &Known::used);
      forgotten = oldest->number;
      known_.erase(oldest);
    }
    known_.push_back({number, now});
    return forgotten;
  }
  // The worker could not take it. True: it has to forget it.
  bool drop(std::uint64_t number) {
    return std::erase_if(known_, [&](const Known& known) { return known.number == number; }) > 0;
  }
  // Those that have not been used for so long, which the worker has to forget.
  std::vector<std::uint64_t> take_unused(uv::TimePoint now) {
    std::vector<std::uint64_t> unused;
    std::erase_if(known_, [&](const Known& known) {
      if (now - known.used < kKept) return false;
      unused.push_back(known.number);
      return true;
    });
    return unused;
  }

 private:
  struct Known {
    std::uint64_t number;
    uv::TimePoint used;
  };
  std::vector<Known> known_;
};

}  // namespace lambdapool::supervisor
