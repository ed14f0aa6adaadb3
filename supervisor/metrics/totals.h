// Requests that have been answered since the start, counted for `status`.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "supervisor/http/connection.h"

namespace lambdapool::supervisor {

struct Totals {
  std::uint64_t requests = 0;
  std::array<std::uint64_t, 6> by_class = {};  // By the first digit of the status.
  std::map<std::string, std::uint64_t, std::less<>> failures = {};  // By kind.

  void add(const AnswerRecord& record) {
    // Kinds come from workers, too.
    constexpr std::size_t kMostKinds = 100;
    constexpr std::uint32_t kClassWidth = 100;
    ++requests;
    const std::uint32_t first_digit = record.status / kClassWidth;
    if (first_digit < by_class.size()) ++by_class.at(first_digit);
    if (record.error.empty()) return;
    auto found = failures.find(record.error);
    if (found == failures.end()) {
      const bool room = failures.size() < kMostKinds;
      found = failures.try_emplace(std::string(room ? record.error : "<more>"), 0).first;
    }
    ++found->second;
  }
};

}  // namespace lambdapool::supervisor
