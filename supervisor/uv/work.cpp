#include "supervisor/uv/work.h"

#include <cstdlib>

namespace lambdapool::supervisor::uv {

std::unique_ptr<Work> Work::start(Loop& loop, std::unique_ptr<Job> job) {
  job->request.data = job.get();
  std::unique_ptr<Work> handle(new Work(*job));
  job->owner = handle.get();
  const int result = uv_queue_work(
      loop.get(), &job->request,
      [](uv_work_t* request) { static_cast<Job*>(request->data)->work(); },
      [](uv_work_t* request, int) {
        const std::unique_ptr<Job> ended(static_cast<Job*>(request->data));
        if (ended->owner == nullptr) return;
        ended->owner->job_ = nullptr;
        ended->done();
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
