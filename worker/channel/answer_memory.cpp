#include "worker/channel/answer_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "protocol/frame.h"

namespace lambdapool::worker {
namespace {

constexpr std::size_t kPage = 4096;

std::size_t whole_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

}  // namespace

AnswerMemory::~AnswerMemory() {
  if (data_ != nullptr) munmap(data_, capacity_);
}

std::optional<std::uint64_t> AnswerMemory::put(std::string_view bytes,
                                               std::unique_ptr<Keeper>& keeper) {
  if (const auto place = use_again(bytes)) return place;
  const std::size_t size = whole_pages(bytes.size());
  // What the supervisor has not told yet of what is free is not waited for.
  if (used_bytes_ > protocol::kMostUntoldFree && used_bytes_ + size > kMostInMemory) {
    return std::nullopt;
  }
  const auto place = find_room(size);
  if (!place || !populate(*place + size)) return std::nullopt;
  std::memcpy(data_ + *place, bytes.data(), bytes.size());
  used_.emplace(*place, Used{size, bytes, std::move(keeper), 1});
  known_.emplace(bytes.data(), *place);
  new_.push_back(*place);
  used_bytes_ += size;
  return place;
}

// They are held, so the same address means the same bytes, if it is the whole of them.
std::optional<std::uint64_t> AnswerMemory::use_again(std::string_view bytes) {
  const auto found = known_.find(bytes.data());
  if (found == known_.end()) return std::nullopt;
  Used& used = used_.at(found->second);
  if (used.of.size() != bytes.size()) return std::nullopt;
  if (used.times++ == 0) {
    held_bytes_ -= used.size;
    used_bytes_ += used.size;
  }
  return found->second;
}

std::optional<std::uint64_t> AnswerMemory::find_room(std::size_t bytes) {
  if (const auto place = find_gap(bytes)) return place;
  drop_unused();
  return find_gap(bytes);
}

// The lowest place with room: what was used a moment ago is used first.
std::optional<std::uint64_t> AnswerMemory::find_gap(std::size_t bytes) const {
  std::uint64_t place = 0;
  for (const auto& [begin, used] : used_) {
    if (begin - place >= bytes) return place;
    place = begin + used.size;
  }
  if (capacity_ - place < bytes) return std::nullopt;
  return place;
}

void AnswerMemory::let_go(Used& used) {
  if (used.keeper == nullptr) return;
  known_.erase(used.of.data());
  used.keeper.reset();
}

void AnswerMemory::let_go() {
  for (const std::uint64_t place : std::exchange(new_, {})) {
    const auto found = used_.find(place);
    if (found == used_.end()) continue;
    const auto& keeper = found->second.keeper;
    if (keeper != nullptr && !keeper->shared()) let_go(found->second);
  }
}

void AnswerMemory::drop(Places::iterator place) {
  let_go(place->second);
  used_.erase(place);
}

void AnswerMemory::drop_unused() {
  for (auto place = used_.begin(); place != used_.end();) {
    const auto next = std::next(place);
    if (place->second.times == 0) drop(place);
    place = next;
  }
  held_bytes_ = 0;
}

bool AnswerMemory::populate(std::size_t end) {
  if (data_ == nullptr) {
    void* const mapped =
        mmap(nullptr, capacity_, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.get(), 0);
    memory_.reset();
    if (mapped == MAP_FAILED) return usable_ = false;
    data_ = static_cast<char*>(mapped);
    // A forked child has no use for it.
    madvise(data_, capacity_, MADV_DONTFORK);
  }
  if (end <= populated_) return true;
  if (madvise(data_ + populated_, end - populated_, MADV_POPULATE_WRITE) != 0) {
    return usable_ = false;
  }
  populated_ = end;
  return true;
}

bool AnswerMemory::free(std::uint64_t place) {
  const auto found = used_.find(place);
  if (found == used_.end() || found->second.times == 0) return false;
  if (--found->second.times > 0) return true;
  const std::size_t size = found->second.size;
  used_bytes_ -= size;
  if (found->second.keeper == nullptr || !found->second.keeper->shared()) {
    drop(found);
    return true;
  }
  if (held_bytes_ + size > kMostHeld) {
    found->second.times = 1;  // Not this one.
    drop_unused();
    found->second.times = 0;
  }
  held_bytes_ += size;
  return true;
}

void AnswerMemory::forget() {
  drop_unused();
  if (!used_.empty() || populated_ == 0) return;
  if (madvise(data_, populated_, MADV_REMOVE) == 0) populated_ = 0;
}

}  // namespace lambdapool::worker
