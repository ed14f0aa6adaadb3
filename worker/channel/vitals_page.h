// The worker's mapping of the vitals page (protocol/vitals.h): what it stores here is true even
// when the process dies in the next instruction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "protocol/vitals.h"

namespace lambdapool::worker {

class VitalsPage {
 public:
  // Maps `fd`, which must hold a page for exactly `window` slots. The error is text for people.
  static std::expected<VitalsPage, std::string> map(int fd, std::uint32_t window);

  std::uint32_t window() const { return window_; }

  // Says that the request with this id runs user code from now on. `slot` is below the window.
  void begin(std::uint32_t slot, std::uint64_t id) {
    protocol::vitals_slots(page_.get())[slot].begun.store(id, std::memory_order_release);
  }

  // Counts one frame taken off the channel.
  void frame_taken() { page_->frames_taken.fetch_add(1, std::memory_order_release); }

  // Says whose code the loop's thread runs, and since when (nanoseconds of CLOCK_MONOTONIC).
  void stepping(std::uint64_t request, std::uint64_t since) {
    page_->stepping_since.store(since, std::memory_order_relaxed);
    page_->stepping.store(request, std::memory_order_release);
  }
  void stepping_nothing() { page_->stepping.store(0, std::memory_order_release); }
  std::uint64_t stepping_since() const {
    return page_->stepping_since.load(std::memory_order_relaxed);
  }

  // Says whose code ends the process.
  void culprit(std::uint64_t request) { page_->culprit.store(request, std::memory_order_release); }

  // In a forked child: from now on nobody sees what is said here.
  void become_private();

 private:
  struct Unmap {
    std::size_t bytes = 0;
    void operator()(protocol::Vitals* page) const noexcept;
  };

  VitalsPage(protocol::Vitals* page, std::uint32_t window)
      : page_(page, Unmap{protocol::vitals_bytes(window)}), window_(window) {}

  std::unique_ptr<protocol::Vitals, Unmap> page_;
  std::uint32_t window_;
};

}  // namespace lambdapool::worker
