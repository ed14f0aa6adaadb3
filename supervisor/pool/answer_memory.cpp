#include "supervisor/pool/answer_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "protocol/frame.h"
#include "supervisor/pool/sealed_memory.h"

namespace lambdapool::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTick{10};
constexpr milliseconds kIdle{1'000};

// How long a client may take for a body before it is copied: one that reads as fast as this machine
// can send needs a tenth of it.
milliseconds patience(std::size_t bytes) {
  constexpr milliseconds kLeast{20};
  constexpr std::size_t kBytesPerMillisecond = 500'000;
  return kLeast + milliseconds(bytes / kBytesPerMillisecond);
}

// Never touches the bytes itself: a page that the worker takes away and the system does not give
// back is an error of a system call, but would be a signal here.
std::size_t read_at(int memory, std::uint64_t place, std::span<char> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t count =
        pread(memory, to.data() + done, to.size() - done, static_cast<off_t>(place + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace

class AnswerMemory::Body final : public uv::Content {
 public:
  Body(AnswerMemory& memory, std::uint64_t place, std::size_t bytes)
      : memory_(&memory),
        place_(place),
        bytes_(bytes),
        rest_(memory.data_ + place, bytes),
        until_(steady_clock::now() + patience(bytes)) {}
  ~Body() override {
    if (memory_ != nullptr) memory_->release(*this);
  }

  std::string_view rest() const override { return rest_; }
  void sent(std::size_t bytes) override { rest_.remove_prefix(bytes); }

  std::size_t copy(std::span<char> to) const override {
    to = to.first(std::min(to.size(), rest_.size()));
    if (memory_ == nullptr) return rest_.copy(to.data(), to.size());
    // What cannot be read is as the zeros that the system would give.
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(read_at(memory_->memory_.get(), at(), to)),
              to.end(), '\0');
    return to.size();
  }

  void keep() override {
    if (memory_ == nullptr) return;
    own_.resize(rest_.size());
    read_at(memory_->memory_.get(), at(), own_);
    std::exchange(memory_, nullptr)->release(*this);
    rest_ = own_;
  }

  std::uint64_t place() const { return place_; }
  std::size_t bytes() const { return bytes_; }
  uv::TimePoint until() const { return until_; }

 private:
  // Where the rest begins.
  std::uint64_t at() const { return place_ + bytes_ - rest_.size(); }

  AnswerMemory* memory_;
  std::uint64_t place_;
  std::size_t bytes_;
  std::string_view rest_;
  std::string own_;
  uv::TimePoint until_;
};

std::unique_ptr<AnswerMemory> AnswerMemory::create(uv::Loop& loop, Told told) {
  auto memory = make_sealed_memory("lambdapool-answers", kCapacity);
  if (!memory) return nullptr;
  void* const mapped = mmap(nullptr, kCapacity, PROT_READ, MAP_SHARED, memory->get(), 0);
  if (mapped == MAP_FAILED) return nullptr;
  return std::unique_ptr<AnswerMemory>(new AnswerMemory(loop, std::move(told), std::move(*memory),
                                                        static_cast<const char*>(mapped)));
}

AnswerMemory::AnswerMemory(uv::Loop& loop, Told told, uv::FileDescriptor memory, const char* data)
    : told_(std::move(told)),
      memory_(std::move(memory)),
      data_(data),
      timer_(loop, [this] { on_timer(); }) {}

AnswerMemory::~AnswerMemory() {
  // Nobody is to be told any more.
  told_ = {};
  while (!bodies_.empty()) bodies_.back()->keep();
  munmap(const_cast<char*>(data_), kCapacity);
}

uv::FileDescriptor AnswerMemory::share() const {
  return uv::FileDescriptor(fcntl(memory_.get(), F_DUPFD_CLOEXEC, 0));
}

std::unique_ptr<uv::Content> AnswerMemory::body(std::uint64_t place, std::uint64_t bytes) {
  if (bytes == 0 || bytes > kCapacity || place > kCapacity - bytes) return nullptr;
  auto body = std::make_unique<Body>(*this, place, bytes);
  bodies_.push_back(body.get());
  watch();
  return body;
}

void AnswerMemory::release(Body& body) {
  std::erase(bodies_, &body);
  used_ = steady_clock::now();
  untold_.push_back(body.place());
  untold_bytes_ += body.bytes();
  if (untold_bytes_ >= protocol::kMostUntoldFree) tell_free();
}

void AnswerMemory::tell_free() {
  untold_bytes_ = 0;
  for (const std::uint64_t place : std::exchange(untold_, {})) {
    if (told_.free) told_.free(place);
  }
}

void AnswerMemory::watch() {
  if (watching_) return;
  watching_ = true;
  timer_.start(kTick);
}

void AnswerMemory::on_timer() {
  const auto now = steady_clock::now();
  // A request that is there for a moment waits for nothing.
  const bool busy = told_.busy();
  if (std::exchange(was_busy_, busy) && busy) {
    for (std::size_t i = bodies_.size(); i > 0; --i) {
      if (bodies_[i - 1]->until() <= now) bodies_[i - 1]->keep();
    }
  }
  tell_free();
  watching_ = !bodies_.empty();
  if (watching_) return timer_.start(kTick);
  if (now - used_ < kIdle) return timer_.start(kIdle);
  told_.idle();
}

}  // namespace lambdapool::supervisor
