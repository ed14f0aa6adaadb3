#include "supervisor/pool/gone_cause.h"

#include <csignal>

#include "supervisor/pool/crash_report.h"

namespace lambdapool::supervisor {
namespace {

std::string what_happened(GoneCause cause, const ExitStatus& exit_status,
                          std::chrono::milliseconds start_timeout) {
  switch (cause) {
    case GoneCause::kHung:
      return "worker was killed because its event loop was blocked";
    case GoneCause::kProtocol:
      return "worker was killed because it broke the protocol";
    case GoneCause::kStartTimeout:
      return "worker was not ready within " + std::to_string(start_timeout.count()) +
             " ms (pool.start_timeout)";
    case GoneCause::kStopped:
    case GoneCause::kCrashed:
    case GoneCause::kStartFailed:
      break;
  }
  return "worker " + exit_status.to_string();
}

}  // namespace

std::string_view to_string(GoneCause cause) {
  switch (cause) {
    case GoneCause::kStopped:
      return "stopped";
    case GoneCause::kCrashed:
      return "crashed";
    case GoneCause::kHung:
      return "hung";
    case GoneCause::kProtocol:
      return "protocol";
    case GoneCause::kStartFailed:
      return "start_failed";
    case GoneCause::kStartTimeout:
      return "start_timeout";
  }
  return "crashed";
}

std::string death_sentence(GoneCause cause, const ExitStatus& exit_status, std::string_view report,
                           std::string_view lambda_root, std::chrono::milliseconds start_timeout,
                           bool out_of_memory) {
  std::string sentence = what_happened(cause, exit_status, start_timeout);
  if (out_of_memory) sentence += ": the system ran out of memory and killed it";
  if (cause == GoneCause::kCrashed && exit_status.signal == SIGXCPU)
    sentence += ": it has used its CPU time (worker.cpu_limit)";
  const auto fatal = report.rfind(kFatalError);
  if (fatal == std::string_view::npos) return sentence;
  const std::string place = crash_place(report.substr(fatal), lambda_root);
  return place.empty() ? sentence : sentence + " at " + place;
}

}  // namespace lambdapool::supervisor
