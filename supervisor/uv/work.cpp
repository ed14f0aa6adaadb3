#include "supervisor/uv/work.h"

#include <array>
#include <cstdlib>
#include <latch>
#include <system_error>
#include <thread>

#include "supervisor/uv/process_limit.h"

namespace lambdapool::supervisor::uv {
namespace {

constexpr std::size_t kThreads = 4;  // As many as libuv has, unless UV_THREADPOOL_SIZE says more.

// Whether so many threads can be had; libuv itself aborts when they cannot.
std::expected<void, std::string> try_threads() {
  std::latch all_tried(1);
  std::array<std::thread, kThreads> threads;
  std::expected<void, std::string> result;
  try {
    for (std::thread& thread : threads) {
      thread = std::thread([&all_tried] { all_tried.wait(); });
    }
  } catch (const std::system_error& error) {
    result = std::unexpected(std::string("threads cannot be started: ") + error.code().message() +
                             kAllowMoreProcesses);
  }
  all_tried.count_down();
  for (std::thread& thread : threads) {
    if (thread.joinable()) thread.join();
  }
  return result;
}

}  // namespace

std::expected<void, std::string> Work::start_threads(Loop& loop) {
  if (auto tried = try_threads(); !tried) return tried;
  // The Work is dropped at once: it runs to its end, and tells nobody.
  start(loop, [] { return 0; }, [](int) {});
  return {};
}

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
