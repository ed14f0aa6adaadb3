#include "supervisor/crash/worker_death.h"

#include "supervisor/log/line.h"

namespace lambdapool::supervisor {

std::string crash_file_name(const WorkerDeath& death) {
  std::string time;
  append_time(time, death.when);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return "crash-" + time + "-worker-" + std::to_string(death.worker) + "-pid-" +
         std::to_string(death.pid) + ".json";
}

}  // namespace lambdapool::supervisor
