// Work that may block or take long, such as writing files, on a thread of libuv's.
//
// `work` runs on that thread and must touch nothing that the loop's thread uses: what it needs, it
// owns. `done` is called on the loop afterwards with what it gave. Dropping a Work lets it run to
// its end, but calls nobody. Work that runs keeps the loop alive.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "supervisor/uv/loop.h"

namespace lambdapool::supervisor::uv {

class Work {
 public:
  template <class Task, class Done>
  static std::unique_ptr<Work> start(Loop& loop, Task work, Done done) {
    return start(loop, std::make_unique<TaskJob<Task, Done>>(std::move(work), std::move(done)));
  }
  // Starts libuv's threads. Else the first Work does, and libuv ends the program when it cannot,
  // as when the workers have taken all processes that there may be. Failure: what to change.
  static std::expected<void, std::string> start_threads(Loop& loop);
  ~Work();
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 private:
  struct Job {
    virtual ~Job() = default;
    virtual void work() = 0;
    virtual void done() = 0;

    uv_work_t request{};
    Work* owner = nullptr;
  };

  template <class Task, class Done>
  class TaskJob final : public Job {
   public:
    TaskJob(Task work, Done done) : work_(std::move(work)), done_(std::move(done)) {}
    void work() override { result_.emplace(work_()); }
    void done() override {
      if (result_) done_(*std::move(result_));
    }

   private:
    Task work_;
    Done done_;
    std::optional<std::invoke_result_t<Task&>> result_;
  };

  explicit Work(Job& job) : job_(&job) {}
  static std::unique_ptr<Work> start(Loop& loop, std::unique_ptr<Job> job);

  Job* job_;  // Null when it is done. It frees itself.
};

}  // namespace lambdapool::supervisor::uv
