// The worker of the pool's tests: speaks the protocol of protocol/README.md and misbehaves as it is
// told.
//
// How it starts is said by lambda_name in the start frame, what becomes of a request by the
// request's path. What it goes through it notes in the file `notes` in the folder lambda_root.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/frame_decoder.h"
#include "protocol/passed_descriptors.h"
#include "protocol/vitals.h"

namespace lambdapool::protocol {
namespace {

// Whether `behaviour`, or one part of "one, another", is `name`, or "name:2" for worker 2.
bool is(std::string_view behaviour, std::string_view name, std::uint32_t worker) {
  constexpr std::string_view kSeparator = ", ";
  const std::string for_this_worker = std::string(name) + ":" + std::to_string(worker);
  for (;;) {
    const auto end = behaviour.find(kSeparator);
    const std::string_view part = behaviour.substr(0, end);
    if (part == name || part == for_this_worker) return true;
    if (end == std::string_view::npos) return false;
    behaviour.remove_prefix(end + kSeparator.size());
  }
}

Response response(std::uint64_t id, std::string_view body) {
  Response made;
  made.id = id;
  made.status = 200;
  made.body = body;
  return made;
}

Failure failure(std::uint64_t id, std::uint32_t status, std::string_view detail) {
  Failure made;
  made.id = id;
  made.status = status;
  made.kind = "lambda_exception";
  made.error_code = 42004;
  made.detail = detail;
  return made;
}

[[noreturn]] void wait_for_ever() {
  for (;;) pause();
}

class FakeWorker {
 public:
  int run() {
    for (;;) {
      const auto next = decoder_.next();
      if (!next) return 70;
      const std::optional<std::string_view>& frame = *next;
      if (!frame) {
        const auto space = decoder_.space();
        pollfd readable{.fd = kChannelFd, .events = POLLIN, .revents = 0};
        poll(&readable, 1, -1);
        const ssize_t count = incoming_.receive(kChannelFd, space);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count <= 0) return 0;  // The supervisor is gone.
        decoder_.filled(static_cast<std::size_t>(count));
        continue;
      }
      const auto message = decode_down(*frame);
      if (!message) return 71;
      if (!std::holds_alternative<Start>(*message)) vitals_->frames_taken.fetch_add(1);
      std::visit([this](const auto& told) { on(told); }, *message);
    }
  }

 private:
  void on(const Start& start) {
    worker_ = start.worker;
    window_ = start.window;
    name_ = start.lambda_name;
    if (!is(name_, "does not hear SIGUSR2", worker_))
      signal(SIGUSR2, [](int) {
        constexpr std::string_view kStacks = "Thread 0x01 (most recent call first):\n";
        if (write(kCrashReportFd, kStacks.data(), kStacks.size()) < 0) _exit(78);
      });
    root_ = start.lambda_root;
    void* mapped =
        mmap(nullptr, vitals_bytes(start.window), PROT_READ | PROT_WRITE, MAP_SHARED, kVitalsFd, 0);
    if (mapped == MAP_FAILED) std::exit(72);
    vitals_ = static_cast<Vitals*>(mapped);
    if (const auto memory = incoming_.take(); memory && start.answer_memory > 0) {
      capacity_ = start.answer_memory;
      mapped = mmap(nullptr, capacity_, PROT_READ | PROT_WRITE, MAP_SHARED, memory->get(), 0);
      if (mapped == MAP_FAILED) std::exit(80);
      memory_ = static_cast<char*>(mapped);
    }
    note("started");

    if (is(name_, "never ready", worker_)) return;
    if (is(name_, "dies at start", worker_)) std::exit(9);
    if (is(name_, "speaks another version", worker_))
      return send(Ready{.version = kVersion + 1, .lambda_type = "", .event_loop = ""});
    if (is(name_, "fails to start", worker_)) {
      send(StartFailed{
          .stage = "load", .text = "no lambda_main.py", .traceback = "Traceback\n  line"});
      std::exit(0);
    }
    if (is(name_, "fails to start once", worker_) && times(root_ + "/fails") == 1) {
      send(StartFailed{.stage = "onStart", .text = "not yet", .traceback = ""});
      std::exit(0);
    }
    if (is(name_, "is slow to start", worker_)) await(root_ + "/go");
    send(Ready{.lambda_type = "standalone", .event_loop = "fake"});
    if (is(name_, "is ready twice", worker_))
      send(Ready{.lambda_type = "standalone", .event_loop = "fake"});
  }

  void on(const Request& request) {
    const std::string_view path = request.path;
    // A supervisor that does not keep to the window is told so by a death.
    if (++outstanding_ > window_ || request.slot >= window_) std::exit(77);
    if (path == "/dies before begin") kill(getpid(), SIGKILL);
    if (path == "/dies once before begin" && times(root_ + "/once") == 1) kill(getpid(), SIGKILL);
    vitals_slots(vitals_)[request.slot].begun.store(request.id, std::memory_order_release);

    // Says whose code it runs, as a worker does at each step of a request.
    if (path == "/steps and dies") {
      vitals_->stepping.store(request.id);
      kill(getpid(), SIGKILL);
    }
    if (path == "/steps and exits") {
      vitals_->stepping.store(request.id);
      std::exit(3);
    }
    if (path == "/dies") kill(getpid(), SIGKILL);
    if (path == "/exits") std::exit(0);
    if (path == "/crashes") {
      vitals_->culprit.store(request.id);
      crash();
    }
    if (path == "/holds") return;
    if (path == "/blocks") wait_for_ever();
    if (path == "/blocks for good") {
      signal(SIGABRT, SIG_IGN);
      wait_for_ever();
    }
    if (path == "/steps for long") {
      vitals_->stepping_since =
          static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
      vitals_->stepping = request.id;
      await(root_ + "/step");
      vitals_->stepping = 0;
    }
    if (path == "/answers and dies") {
      answer(request.id, "last words");
      kill(getpid(), SIGKILL);
    }
    if (path == "/half an answer") {
      std::string out;
      append(out, response(request.id, "never whole"));
      write_all(std::string_view(out).substr(0, out.size() - 1));
      kill(getpid(), SIGKILL);
    }
    if (path.starts_with("/memory")) return answer_in_memory(request.id, path);
    if (path == "/garbage") return write_all(std::string_view("\0\0\0\2\xc1\xc1", 6));
    if (path == "/too long") return write_all("\xff\xff\xff\xff");
    if (path == "/wrong id") return answer(request.id + 1, "not mine");
    if (path == "/two answers") {
      answer(request.id, "first");
      return answer(request.id, "second");
    }
    if (path == "/closes channel") {
      close(kChannelFd);
      wait_for_ever();
    }
    if (path == "/leaves a child") {
      if (fork() == 0) {
        setsid();
        char byte = 0;
        while (read(kChannelFd, &byte, 1) > 0) {
        }
        _exit(0);
      }
      kill(getpid(), SIGKILL);
    }
    if (path == "/fails") {
      --outstanding_;
      return send(failure(request.id, 418, "its own"));
    }
    if (path == "/streams" || path == "/cuts its stream") {
      --outstanding_;
      StreamHead head;
      head.id = request.id;
      head.status = 200;
      send(head);
      send(StreamChunk{.id = request.id, .bytes = "one "});
      send(StreamChunk{.id = request.id, .bytes = "two"});
      return send(StreamEnd{.id = request.id, .error = path == "/streams" ? "" : "failed"});
    }
    if (path == "/dies in its stream") {
      StreamHead head;
      head.id = request.id;
      head.status = 200;
      send(head);
      send(StreamChunk{.id = request.id, .bytes = "one "});
      kill(getpid(), SIGKILL);
    }
    if (path == "/prints") {
      std::fputs("printed by the lambda\n", stdout);
      std::fflush(stdout);
    }
    if (path == "/logs")
      send(Log{.level = "warning", .request_id = "r", .text = "logged by the lambda"});
    if (path == "/release") {
      // Answers what is held, in the order in which it came.
      answer(request.id, "released");
      for (const std::uint64_t id : std::exchange(held_, {})) answer(id, "held");
      return;
    }
    if (path == "/hold") return held_.push_back(request.id);
    answer(request.id, std::to_string(getpid()));
  }

  void on(const Cancel& cancel) {
    note(std::string("cancelled ") + std::string(cancel.reason));
    if (is(name_, "ignores cancel", worker_)) return;
    // It may have been answered while the cancellation was on its way.
    if (std::erase(held_, cancel.id) == 0) return;
    --outstanding_;
    send(failure(cancel.id, 500, "cancelled"));
  }

  void on(const Shutdown&) {
    note("shutdown");
    if (is(name_, "ignores shutdown", worker_)) return;
    if (is(name_, "is slow to stop", worker_)) await(root_ + "/stop");
    std::exit(0);
  }

  // It streams nothing that credit could be given for.
  void on(const Credit&) {}

  void on(const SetLogLevel& to) { note("log level " + std::string(to.level)); }
  void on(const MemoryFree& free) { note("free " + std::to_string(free.place)); }
  void on(const MemoryIdle&) { note("idle"); }
  void on(const MemoryForgotten&) {}

  void answer_in_memory(std::uint64_t id, std::string_view path) {
    constexpr std::string_view kBody = "bytes in memory";
    constexpr std::uint64_t kPlace = 8192;
    if (memory_ == nullptr) std::exit(81);
    std::memcpy(memory_ + kPlace, kBody.data(), kBody.size());
    Response made = response(id, {});
    made.body_in_memory = kBody.size();
    made.place = kPlace;
    if (path == "/memory up to the end") made.place = capacity_ - kBody.size();
    if (path == "/memory, a byte too far") made.place = capacity_ - kBody.size() + 1;
    if (path == "/memory far away") made.place = UINT64_MAX - 3;
    if (path == "/memory, too much of it") made.body_in_memory = capacity_ + 1;
    if (path == "/memory that is taken away") madvise(memory_, capacity_, MADV_REMOVE);
    --outstanding_;
    send(made);
    if (path == "/memory and death") kill(getpid(), SIGKILL);
  }

  void on(const AskStacks& asked) {
    if (is(name_, "tells no stacks", worker_)) return;
    send(Stacks{.id = asked.id + 1000, .text = "of nobody's question"});
    send(Stacks{.id = asked.id, .text = "task of worker " + std::to_string(worker_)});
  }

  void answer(std::uint64_t id, std::string_view body) {
    --outstanding_;
    send(response(id, body));
  }

  template <class Message>
  void send(const Message& message) {
    std::string out;
    append(out, message);
    write_all(out);
  }

  static void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = write(kChannelFd, bytes.data(), bytes.size());
      if (count <= 0) std::exit(0);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  // Dies as CPython does with faulthandler on.
  [[noreturn]] void crash() {
    const std::string report =
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x01 (most recent call first):\n "
        " File \"" +
        root_ + "/lambda_main.py\", line 20 in boom\n";
    if (write(kCrashReportFd, report.data(), report.size()) < 0) std::exit(73);
    signal(SIGSEGV, SIG_DFL);
    kill(getpid(), SIGSEGV);
    wait_for_ever();
  }

  void note(const std::string& what) const {
    const std::string line = what + " " + std::to_string(worker_) + "\n";
    const int file =
        open((root_ + "/notes").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0 || write(file, line.data(), line.size()) < 0) std::exit(74);
    close(file);
  }

  // How often this was asked of that file, this time included.
  static int times(const std::string& path) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0 || write(file, "x", 1) != 1) std::exit(75);
    const auto size = static_cast<int>(lseek(file, 0, SEEK_END));
    close(file);
    return size;
  }

  // Waits for a fifo to be opened by the test.
  static void await(const std::string& path) {
    // The signal that asks for its stacks may interrupt the wait.
    int file = -1;
    do {
      file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    } while (file < 0 && errno == EINTR);
    char byte = 0;
    ssize_t count = -1;
    do {
      count = read(file, &byte, 1);
    } while (count < 0 && errno == EINTR);
    if (file < 0 || count < 0) std::exit(76);
    close(file);
  }

  FrameDecoder decoder_{kMaxFrameBytes};
  IncomingDescriptors incoming_;
  Vitals* vitals_ = nullptr;
  char* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::uint32_t worker_ = 0;
  std::uint32_t window_ = 0;
  std::uint32_t outstanding_ = 0;
  std::string name_;
  std::string root_;
  std::vector<std::uint64_t> held_;
};

}  // namespace
}  // namespace lambdapool::protocol

int main() {
  try {
    return lambdapool::protocol::FakeWorker().run();
  } catch (...) {
    return 79;
  }
}
