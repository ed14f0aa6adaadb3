// Requests to a real worker and back, without HTTP and without the supervisor's loop: what the hop
// costs by itself, with one request at a time and with 32 on their way.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <string>
#include <variant>

#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/frame_decoder.h"
#include "protocol/vitals.h"
#include "supervisor/pool/crash_report.h"
#include "supervisor/pool/vitals_page.h"
#include "supervisor/pool/worker_plumbing.h"
#include "tests/bench/micro/sample_request.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::uint32_t kWindow = 64;
constexpr int kBoundMs = 30'000;  // For any one wait.

// One lambdapool-worker with tests/bench/lambda_main, and the supervisor's end of its channel.
class Worker {
 public:
  Worker() {
    auto plumbing = WorkerPlumbing::create();
    auto crash_report = CrashReport::create();
    auto vitals = VitalsPage::create(kWindow);
    if (!plumbing || !crash_report || !vitals) return;
    crash_report_ = std::move(*crash_report);
    vitals_ = std::move(*vitals);
    channel_ = std::move(plumbing->channel);
    pid_ = fork();
    if (pid_ == 0)
      become_worker(
          {plumbing->worker_channel.get(), crash_report_->descriptor(), vitals_->descriptor()});
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  bool start() {
    if (pid_ <= 0) return false;
    std::string out;
    protocol::append(out, protocol::Start{.lambda_root = LAMBDA_FOLDER,
                                          .lambda_id = "11111111-2222-4333-8444-555555555555",
                                          .lambda_name = "main",
                                          .lambda_version = "1",
                                          .pylib = PYLIB_FOLDER,
                                          .venv = "",
                                          .event_loop = "auto",
                                          .log_level = "warning",
                                          .worker = 1,
                                          .window = kWindow,
                                          .settings = "{}"});
    if (!send(out)) return false;
    bool ready = false;
    const auto see = [&ready](const protocol::Up& message) {
      ready = ready || std::holds_alternative<protocol::Ready>(message);
    };
    while (!ready) {
      if (!receive(see)) return false;
    }
    return true;
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(channel_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && !(errno == EAGAIN && wait(POLLOUT))) return false;
    }
    return true;
  }

  // Waits for bytes and shows each message in them. False when there is nothing more to hope for.
  template <class See>
  bool receive(See see) {
    if (!wait(POLLIN)) return false;
    const auto space = decoder_.space();
    const ssize_t got = recv(channel_.get(), space.data(), space.size(), 0);
    if (got <= 0) return false;
    decoder_.filled(static_cast<std::size_t>(got));
    while (true) {
      const auto payload = decoder_.next();
      if (!payload) return false;
      if (!*payload) return true;
      const auto message = protocol::decode_up(**payload);
      if (!message) return false;
      see(*message);
    }
  }

 private:
  bool wait(short what) {
    pollfd one{channel_.get(), what, 0};
    return poll(&one, 1, kBoundMs) == 1;
  }

  // In the child. The descriptors a worker finds open are 3, 4 and 5; ours are made out of the way
  // first, since one of them may have such a number.
  [[noreturn]] static void become_worker(std::array<int, 3> descriptors) {
    for (int& each : descriptors) each = dup_above(each);
    int number = protocol::kChannelFd;
    for (const int each : descriptors) dup2(each, number++);
    static char program[] = WORKER_PROGRAM;
    std::array<char*, 2> arguments{program, nullptr};
    execv(program, arguments.data());
    _exit(127);
  }
  static int dup_above(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 100); }

  uv::FileDescriptor channel_;
  std::unique_ptr<CrashReport> crash_report_;
  std::unique_ptr<VitalsPage> vitals_;
  pid_t pid_ = -1;
  protocol::FrameDecoder decoder_{protocol::kMaxFrameBytes};
};

// One iteration is one request. As many as the argument says are on their way; all that have come
// back are replaced in one write, as the supervisor does at the end of a turn of its loop.
void round_trip(benchmark::State& state) {
  Worker worker;
  if (!worker.start()) return state.SkipWithError("the worker does not start");
  const std::string fields = protocol::encode_request_fields(sample_request());
  const auto most = static_cast<std::int64_t>(state.range(0));
  std::int64_t begun = 0;
  std::int64_t answered = 0;
  std::int64_t turns = 0;  // Of the benchmark; never more than were answered.
  std::string out;
  const auto see = [&answered](const protocol::Up& message) {
    const auto* response = std::get_if<protocol::Response>(&message);
    if (response != nullptr && response->status == 200 && response->body == kSampleAnswer)
      ++answered;
  };
  for ([[maybe_unused]] auto turn : state) {
    while (answered == turns) {
      out.clear();
      while (begun - answered < most) {
        const auto slot = static_cast<std::uint32_t>(begun % most);
        ++begun;
        protocol::append_request(out, static_cast<std::uint64_t>(begun), slot, 60'000, fields,
                                 kSampleBody);
      }
      if (!worker.send(out)) return state.SkipWithError("the worker takes nothing");
      if (!worker.receive(see)) return state.SkipWithError("the worker does not answer");
    }
    ++turns;
  }
  state.SetItemsProcessed(state.iterations());
}
// The worker's time is not this process's: what counts is how much passed.
BENCHMARK(round_trip)->Arg(1)->Arg(32)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace lambdapool::supervisor
