// The requests one worker holds: a fixed number of slots, the window.
//
// A request's id on the wire carries its slot, so that an answer is found without a search, and a
// count that all workers of a pool share, so that no id comes twice: an answer to anything but a
// busy slot's own id is an answer to nothing.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "protocol/vitals.h"
#include "supervisor/pool/invocation.h"
#include "supervisor/pool/request_fingerprint.h"

namespace lambdapool::supervisor {

class RequestSlots {
 public:
  struct Slot {
    std::uint64_t id = 0;                    // Zero: free.
    std::unique_ptr<Invocation> invocation;  // Until the worker answers it, at least with a head.
    std::unique_ptr<StreamedAnswer> stream;  // While it is answered in pieces.
    std::uint64_t credit = 0;                // How much of the stream the worker may still send.
    uv::TimePoint dispatched;                // When it was given to the worker.
    uv::TimePoint last_heard;                // When the stream last moved.
    uv::TimePoint kill_at;  // Set when it was cancelled: the worker must let go of it by then.
    // Set with it: by when a worker whose loop has heard of the cancellation must have let go.
    uv::TimePoint spoil_at;
    // Which frame down carried the request.
    std::uint64_t request_frame = 0;
    // Which frame down carried the cancellation; zero: not cancelled.
    std::uint64_t cancel_frame = 0;
    // Of a request that was over its time limit.
    std::optional<RequestFingerprint> fingerprint;

    // Whether a client waits for it.
    bool wanted() const { return invocation != nullptr || stream != nullptr; }
  };

  // `count` is how many requests the pool has dispatched.
  RequestSlots(std::uint32_t window, std::uint64_t& count) : slots_(window), count_(count) {
    free_.reserve(window);
    for (std::uint32_t i = window; i > 0; --i) free_.push_back(i - 1);
  }

  bool full() const { return free_.empty(); }
  std::size_t busy() const { return slots_.size() - free_.size(); }

  // Precondition: not full.
  Slot& take(std::unique_ptr<Invocation> invocation) {
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.id = (++count_ << kIndexBits) | index;
    slot.invocation = std::move(invocation);
    slot.cancel_frame = 0;
    slot.fingerprint.reset();
    slot.dispatched = std::chrono::steady_clock::now();
    return slot;
  }

  // The busy slot of that id, or null.
  Slot* find(std::uint64_t id) {
    const std::uint64_t index = id & kIndexMask;
    if (id == 0 || index >= slots_.size() || slots_[index].id != id) return nullptr;
    return &slots_[index];
  }

  void release(Slot& slot) {
    free_.push_back(index(slot));
    slot.id = 0;
    slot.invocation.reset();
    slot.stream.reset();
  }

  static std::uint32_t index(const Slot& slot) {
    return static_cast<std::uint32_t>(slot.id & kIndexMask);
  }

  template <class Visit>
  void for_each_busy(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.id != 0) visit(slot);
    }
  }
  template <class Visit>
  void for_each_busy(Visit visit) {
    for (Slot& slot : slots_) {
      if (slot.id != 0) visit(slot);
    }
  }

 private:
  static constexpr std::uint32_t kIndexBits = 12;
  static constexpr std::uint64_t kIndexMask = (std::uint64_t{1} << kIndexBits) - 1;
  static_assert(protocol::kMaxWindow <= kIndexMask + 1);

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t& count_;
};

}  // namespace lambdapool::supervisor
