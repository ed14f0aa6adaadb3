// Work that may block, such as writing files, on a thread of libuv's.
//
// `work` runs on that thread and must touch nothing that the loop's thread uses; `done` is called
// on the loop afterwards with the text that it gave. Dropping a Work lets it run to its end, but
// calls nobody. Work that runs keeps the loop alive.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "supervisor/uv/loop.h"

namespace lambdapool::supervisor::uv {

class Work {
 public:
  static std::unique_ptr<Work> start(Loop& loop, std::function<std::string()> work,
                                     std::function<void(const std::string&)> done);
  ~Work();
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 private:
  struct Job;
  explicit Work(Job& job) : job_(&job) {}

  Job* job_;  // Null when it is done. It frees itself.
};

}  // namespace lambdapool::supervisor::uv
