#include "supervisor/uv/work.h"

#include <cstdlib>
#include <utility>

namespace lambdapool::supervisor::uv {

struct Work::Job {
  uv_work_t request{};
  std::function<std::string()> work;
  std::function<void(const std::string&)> done;
  std::string result;
  Work* owner = nullptr;
};

std::unique_ptr<Work> Work::start(Loop& loop, std::function<std::string()> work,
                                  std::function<void(const std::string&)> done) {
  auto job = std::make_unique<Job>();
  job->work = std::move(work);
  job->done = std::move(done);
  job->request.data = job.get();
  std::unique_ptr<Work> handle(new Work(*job));
  job->owner = handle.get();
  const int result = uv_queue_work(
      loop.get(), &job->request,
      [](uv_work_t* request) {
        auto* running = static_cast<Job*>(request->data);
        running->result = running->work();
      },
      [](uv_work_t* request, int) {
        const std::unique_ptr<Job> ended(static_cast<Job*>(request->data));
        if (ended->owner == nullptr) return;
        ended->owner->job_ = nullptr;
        ended->done(ended->result);
      });
  // It fails only without a work function.
  if (result != 0) std::abort();
  job.release();  // NOLINT(bugprone-unused-return-value): libuv holds it until the callback.
  return handle;
}

Work::~Work() {
  if (job_ != nullptr) job_->owner = nullptr;
}

}  // namespace lambdapool::supervisor::uv
