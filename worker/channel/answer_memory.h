// The memory that is shared with the supervisor for large response bodies: the worker puts one
// there, the frame of the response says where, and the supervisor says when it has been sent.
//
// Invariants: a place is not used again before it is free. Little is in use at a time, so that what
// is written is still in the processor's caches when it is sent. Nothing is written to memory that
// the system has not given before: it would end the process if there were none. A body that the
// lambda goes on to hold, as one does that it sends again and again, stays where it is as long as
// there is room, and is held here meanwhile: so the same bytes are known by their address. One that
// nobody else holds is not held here either: its copy is enough.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/file_descriptor.h"

namespace lambdapool::worker {

// A smaller body goes in the frame: tests/bench/README.md, "Large bodies".
inline constexpr std::size_t kLeastInMemory = std::size_t{32} << 10;
// So much is put there at a time, or one body that is larger.
inline constexpr std::size_t kMostInMemory = std::size_t{4} << 20;

// Keeps bytes alive.
class Keeper {
 public:
  Keeper() = default;
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  virtual ~Keeper() = default;
  // Whether somebody else keeps them alive as well.
  virtual bool shared() const { return false; }
};

// So much of what the lambda goes on to hold stays there when it is free, or one body that is
// larger.
inline constexpr std::size_t kMostHeld = std::size_t{16} << 20;

class AnswerMemory {
 public:
  AnswerMemory(protocol::FileDescriptor memory, std::size_t capacity)
      : memory_(std::move(memory)), capacity_(capacity) {}
  ~AnswerMemory();
  AnswerMemory(const AnswerMemory&) = delete;
  AnswerMemory& operator=(const AnswerMemory&) = delete;

  // Whether there can be room for so much, now or later.
  bool takes(std::size_t bytes) const {
    return usable_ && bytes >= kLeastInMemory && bytes <= capacity_;
  }
  // Puts the bytes there and says where; nothing when there is no room now, or none at all. Takes
  // the keeper if so.
  std::optional<std::uint64_t> put(std::string_view bytes, std::unique_ptr<Keeper>& keeper);
  // Lets go of the bytes that have been put there since the last call, unless somebody else holds
  // them. For when those who have handed them over are done with them.
  void let_go();
  // The supervisor has sent what was put there, once. False: nothing was.
  bool free(std::uint64_t place);
  // Gives the memory back to the system, unless something is in it.
  void forget();

 private:
  struct Used {
    std::size_t size;                // In whole pages.
    std::string_view of;             // The bytes that were put there.
    std::unique_ptr<Keeper> keeper;  // Null when they are not held.
    std::size_t times;               // How often the supervisor has yet to say that it is free.
  };
  using Places = std::map<std::uint64_t, Used>;

  std::optional<std::uint64_t> find_room(std::size_t bytes);
  std::optional<std::uint64_t> find_gap(std::size_t bytes) const;
  std::optional<std::uint64_t> use_again(std::string_view bytes);
  void let_go(Used& used);
  void drop_unused();
  void drop(Places::iterator place);
  bool populate(std::size_t end);

  protocol::FileDescriptor memory_;
  std::size_t capacity_;
  char* data_ = nullptr;
  bool usable_ = true;
  Places used_;
  std::vector<std::uint64_t> new_;              // What was put there since the last let_go().
  std::map<const char*, std::uint64_t> known_;  // Where the bytes at an address are.
  std::size_t used_bytes_ = 0;                  // Of what is not free.
  std::size_t held_bytes_ = 0;                  // Of what is.
  std::size_t populated_ = 0;                   // The system has given memory up to here.
};

}  // namespace lambdapool::worker
