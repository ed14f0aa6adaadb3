// The memories in which the supervisor leaves request bodies, by their numbers, for as long as it
// says.
//
// They are mapped, and their descriptors closed: so a lambda that closes descriptors takes none of
// them away, and programs and children that it starts hold none. Their sizes are sealed: what is
// mapped stays there.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <span>
#include <string_view>

#include "protocol/file_descriptor.h"

namespace lambdapool::worker {

enum class BodyMemoryError {
  kUnusable,  // It could not be taken when it came, as errno says.
  kTooSmall,  // The supervisor is wrong.
};

class BodyMemories {
 public:
  BodyMemories() = default;
  ~BodyMemories();
  BodyMemories(const BodyMemories&) = delete;
  BodyMemories& operator=(const BodyMemories&) = delete;

  bool knows(std::uint64_t number) const { return known_.contains(number); }
  // One that it does not know. False: it cannot be used; it is known all the same.
  bool add(std::uint64_t number, const protocol::FileDescriptor& descriptor);
  // The body at the beginning of one that it knows, until that is forgotten.
  std::expected<std::string_view, BodyMemoryError> read(std::uint64_t number,
                                                        std::uint64_t bytes) const;
  // False: it does not know it.
  bool forget(std::uint64_t number);

 private:
  struct Known {
    std::span<char> mapped;
    int error = 0;  // Why it is not.
  };
  std::map<std::uint64_t, Known> known_;
};

}  // namespace lambdapool::worker
