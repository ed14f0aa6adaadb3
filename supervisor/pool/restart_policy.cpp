#include "supervisor/pool/restart_policy.h"

#include <algorithm>

namespace lambdapool::supervisor {
namespace {

constexpr double kJitter = 0.2;

}  // namespace

RestartPolicy::RestartPolicy(Milliseconds first, Milliseconds longest, std::uint32_t seed)
    : first_(first), longest_(longest), random_(seed) {}

RestartPolicy::Milliseconds RestartPolicy::delay_after_death() {
  ++failures_;
  if (failures_ == 1) return Milliseconds{0};
  const std::uint32_t doublings = std::min(failures_ - 2, 20U);
  const Milliseconds plain = std::min(first_ * (1U << doublings), longest_);
  std::uniform_real_distribution<double> factor(1.0 - kJitter, 1.0 + kJitter);
  return Milliseconds(
      static_cast<Milliseconds::rep>(static_cast<double>(plain.count()) * factor(random_)));
}

}  // namespace lambdapool::supervisor
