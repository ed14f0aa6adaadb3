// Everything that is known about a worker that died.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/pool/exit_status.h"
#include "supervisor/pool/gone_cause.h"
#include "supervisor/pool/process_usage.h"

namespace lambdapool::supervisor {

// One request that the worker held.
struct DeathRequest {
  std::string id;
  std::string method;
  std::string path;
  std::chrono::nanoseconds age{0};
  bool begun = false;     // The lambda's code had begun to run for it.
  bool culprit = false;   // Its code ended the worker, as far as can be told.
  std::string fate = {};  // What became of it, in words.
};

struct WorkerDeath {
  std::chrono::system_clock::time_point when = std::chrono::system_clock::now();
  std::uint32_t worker = 0;
  int pid = 0;
  std::uint64_t generation = 0;
  std::chrono::nanoseconds uptime{0};
  std::uint64_t served = 0;
  bool was_ready = false;
  GoneCause cause = GoneCause::kCrashed;
  ExitStatus exit_status = {};
  bool out_of_memory = false;  // The kernel killed it for want of memory.
  std::string sentence = {};   // One line for people.
  std::string traceback = {};  // What faulthandler wrote.
  std::vector<std::string> last_stdout = {};
  std::vector<std::string> last_stderr = {};
  std::vector<DeathRequest> requests = {};
  std::optional<ProcessMemory> memory = {};  // As it was when it was last looked at.
};

// "crash-20261124T054000.123Z-worker-1-pid-4711.json": names sort by time.
std::string crash_file_name(const WorkerDeath& death);

}  // namespace lambdapool::supervisor
