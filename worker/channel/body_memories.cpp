#include "worker/channel/body_memories.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

namespace lambdapool::worker {

BodyMemories::~BodyMemories() {
  while (!known_.empty()) forget(known_.begin()->first);
}

bool BodyMemories::add(std::uint64_t number, const protocol::FileDescriptor& descriptor) {
  Known& known = known_[number];
  struct stat status{};
  if (!descriptor.open()) {
    // The process could not take one descriptor more.
    known.error = EMFILE;
    return false;
  }
  if (fstat(descriptor.get(), &status) != 0) {
    known.error = errno;
    return false;
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* const mapped = mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor.get(), 0);
  if (mapped == MAP_FAILED) {
    known.error = errno;
    return false;
  }
  // A forked child has no use for it.
  madvise(mapped, size, MADV_DONTFORK);
  known.mapped = {static_cast<char*>(mapped), size};
  return true;
}

std::expected<std::string_view, BodyMemoryError> BodyMemories::read(std::uint64_t number,
                                                                    std::uint64_t bytes) const {
  const Known& known = known_.at(number);
  if (known.error != 0) {
    errno = known.error;
    return std::unexpected(BodyMemoryError::kUnusable);
  }
  if (bytes > known.mapped.size()) return std::unexpected(BodyMemoryError::kTooSmall);
  return std::string_view(known.mapped.data(), bytes);
}

bool BodyMemories::forget(std::uint64_t number) {
  const auto found = known_.find(number);
  if (found == known_.end()) return false;
  const auto mapped = found->second.mapped;
  if (!mapped.empty()) munmap(mapped.data(), mapped.size());
  known_.erase(found);
  return true;
}

}  // namespace lambdapool::worker
