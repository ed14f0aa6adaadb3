// The requests that wait for a worker, oldest first, bounded in number and in time.
#pragma once

#include <deque>
#include <memory>

#include "supervisor/pool/invocation.h"

namespace lambdapool::supervisor {

class RequestQueue {
 public:
  explicit RequestQueue(std::size_t length) : length_(length) {}

  void set_length(std::size_t length) { length_ = length; }
  bool empty() const { return entries_.empty(); }
  bool full() const { return entries_.size() >= length_; }
  std::size_t size() const { return entries_.size(); }
  // Since when the first waits. Precondition: not empty.
  uv::TimePoint oldest_since() const { return entries_.front().since; }

  // Precondition: not full.
  void push(std::unique_ptr<Invocation> invocation, uv::TimePoint now) {
    entries_.push_back({std::move(invocation), now});
  }
  // For a request that has been through the queue and comes back: it goes before all others, and
  // its place does not depend on whether the queue is full.
  void put_back(std::unique_ptr<Invocation> invocation, uv::TimePoint now) {
    entries_.push_front({std::move(invocation), now});
  }
  // Precondition: not empty.
  std::unique_ptr<Invocation> pop() {
    auto invocation = std::move(entries_.front().invocation);
    entries_.pop_front();
    return invocation;
  }

  // Gives every entry to `over(invocation, since)`, which says whether its time is over, and takes
  // those for which it is out in order.
  template <class Over>
  std::deque<std::unique_ptr<Invocation>> take_if(Over over) {
    std::deque<std::unique_ptr<Invocation>> taken;
    std::deque<Entry> kept;
    for (Entry& entry : entries_) {
      if (over(*entry.invocation, entry.since)) {
        taken.push_back(std::move(entry.invocation));
      } else {
        kept.push_back(std::move(entry));
      }
    }
    entries_ = std::move(kept);
    return taken;
  }

 private:
  struct Entry {
    std::unique_ptr<Invocation> invocation;
    uv::TimePoint since;  // Since when it waits.
  };

  std::size_t length_;
  std::deque<Entry> entries_;
};

}  // namespace lambdapool::supervisor
