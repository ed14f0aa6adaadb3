// Why a worker is no more, as a value and as a sentence for the client whose request it took with
// it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "supervisor/pool/exit_status.h"

namespace lambdapool::supervisor {

enum class GoneCause {
  kStopped,      // It was told to.
  kCrashed,      // It died while it was not.
  kHung,         // Its event loop was blocked and it was killed.
  kProtocol,     // It broke the protocol and was killed.
  kStartFailed,  // Its lambda did not load, or onStart failed.
  kStartTimeout,
};
std::string_view to_string(GoneCause cause);

// One line, "worker ended by signal 11 (SIGSEGV) at lambda_main.py:20 in boom". The place is that
// of the fatal error in faulthandler's `report`, if there is one.
std::string death_sentence(GoneCause cause, const ExitStatus& exit_status, std::string_view report,
                           std::string_view lambda_root, std::chrono::milliseconds start_timeout,
                           bool out_of_memory = false);

}  // namespace lambdapool::supervisor
