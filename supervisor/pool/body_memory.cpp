#include "supervisor/pool/body_memory.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

namespace lambdapool::supervisor {
namespace {

constexpr std::size_t kLeastCapacity = std::size_t{64} << 10;
// What is kept for the next bodies, and for how long: enough for a few clients that upload all the
// time, nothing when they are gone.
constexpr std::size_t kMostIdleBytes = std::size_t{64} << 20;
constexpr std::size_t kMostIdle = 64;
constexpr std::chrono::milliseconds kKept{1'000};

// Connections and new workers need descriptors more than bodies do. A new one has the lowest number
// that is free, so its number says how many there are.
uv::FileDescriptor unless_scarce(int number) {
  static const rlim_t kMost = [] {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur / 2;
  }();
  uv::FileDescriptor descriptor(number);
  if (number >= 0 && static_cast<rlim_t>(number) >= kMost) descriptor.reset();
  return descriptor;
}

}  // namespace

std::unique_ptr<BodyMemory> BodyMemory::create(std::size_t capacity, std::uint64_t number) {
  uv::FileDescriptor memory =
      unless_scarce(memfd_create("lambdapool-body", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.open() || ftruncate(memory.get(), static_cast<off_t>(capacity)) != 0) return nullptr;
  void* const mapped = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (mapped == MAP_FAILED) return nullptr;
  std::unique_ptr<BodyMemory> made(
      new BodyMemory(std::move(memory), static_cast<char*>(mapped), capacity, number));
  // The mapping above stays the only one that can be written to.
  if (fcntl(made->descriptor_.get(), F_ADD_SEALS,
            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) {
    return nullptr;
  }
  return made;
}

BodyMemory::~BodyMemory() { munmap(data_, capacity_); }

uv::FileDescriptor BodyMemory::share() const {
  return unless_scarce(fcntl(descriptor_.get(), F_DUPFD_CLOEXEC, 0));
}

BodyPool::BodyPool(uv::Loop& loop) : timer_(loop, [this] { forget_old(); }) {}

std::unique_ptr<BodyMemory> BodyPool::take(std::size_t bytes) {
  // Few sizes, so that what is kept fits. What is not written to costs nothing.
  const std::size_t capacity = std::bit_ceil(std::max(bytes, kLeastCapacity));
  for (std::size_t i = idle_.size(); i > 0; --i) {
    if (idle_[i - 1].memory->capacity() != capacity) continue;
    auto memory = std::move(idle_[i - 1].memory);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i - 1));
    idle_bytes_ -= memory->written();
    return memory;
  }
  return BodyMemory::create(capacity, ++last_number_);
}

void BodyPool::give_back(std::unique_ptr<BodyMemory> memory) {
  if (idle_.size() >= kMostIdle || memory->written() > kMostIdleBytes - idle_bytes_) return;
  idle_bytes_ += memory->written();
  idle_.push_back({std::move(memory), std::chrono::steady_clock::now()});
  if (!timer_.active()) timer_.start(kKept);
}

void BodyPool::forget_old() {
  const auto now = std::chrono::steady_clock::now();
  const auto young =
      std::ranges::find_if(idle_, [now](const Idle& idle) { return now - idle.since < kKept; });
  for (auto old = idle_.begin(); old != young; ++old) idle_bytes_ -= old->memory->written();
  idle_.erase(idle_.begin(), young);
  if (!idle_.empty()) timer_.start(kKept);
}

}  // namespace lambdapool::supervisor
