#include "supervisor/pool/attribution.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <span>

#include "protocol/codec.h"

namespace lambdapool::supervisor {
namespace {

// RFC 9110, 9.2.1 and 9.2.2, without the methods that no lambda gets.
constexpr std::array<std::string_view, 3> kSafe = {"GET", "HEAD", "OPTIONS"};
constexpr std::array<std::string_view, 2> kIdempotent = {"PUT", "DELETE"};

bool is_one_of(std::string_view method, std::span<const std::string_view> methods) {
  return std::ranges::find(methods, method) != methods.end();
}

}  // namespace

std::uint64_t find_culprit(const VitalsPage& vitals, GoneCause cause, const ExitStatus& exit_status,
                           bool out_of_memory) {
  if (cause != GoneCause::kCrashed && cause != GoneCause::kHung) return 0;
  if (const std::uint64_t culprit = vitals.culprit(); culprit != 0) return culprit;
  const bool from_outside =
      cause == GoneCause::kCrashed && exit_status.signal == SIGKILL && !out_of_memory;
  return from_outside ? 0 : vitals.stepping();
}

bool may_replay(const Invocation& invocation, Replay replay) {
  if (replay == Replay::kNever || invocation.replayed()) return false;
  if (replay == Replay::kAlways) return true;
  const auto target = protocol::read_request_target(invocation.request_fields());
  if (!target) return false;
  return is_one_of(target->method, kSafe) ||
         (replay == Replay::kIdempotent && is_one_of(target->method, kIdempotent));
}

}  // namespace lambdapool::supervisor
