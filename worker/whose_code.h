// Whose code runs: what the vitals page says of the loop's thread, and what every thread knows of
// itself, so that the request which ends the process can be named.
//
// A thread's request is set while it runs code of that request and put back afterwards; nested uses
// come back to the outer one. Only the loop's thread says it on the page. Invariant: nothing here
// allocates or locks, because handlers of deadly signals read it.
#pragma once

#include <cstdint>

#include "worker/channel/vitals_page.h"
#include "worker/clock.h"

namespace lambdapool::worker {

// The id of the request whose code this thread runs; 0 for none.
inline constinit thread_local std::uint64_t own_request = 0;

// This thread runs code of a request for as long as this lives.
class RequestScope {
 public:
  explicit RequestScope(std::uint64_t request) : outer_(own_request) { own_request = request; }
  ~RequestScope() { own_request = outer_; }
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;

 private:
  std::uint64_t outer_;
};

// The loop's thread takes one step of a request's code for as long as this lives.
class Step {
 public:
  Step(VitalsPage& vitals, std::uint64_t request) : vitals_(vitals), outer_(own_request) {
    if (outer_ != 0) outer_since_ = vitals.stepping_since();
    own_request = request;
    vitals.stepping(request, coarse_now());
  }
  ~Step() {
    own_request = outer_;
    if (outer_ == 0) {
      vitals_.stepping_nothing();
    } else {
      vitals_.stepping(outer_, outer_since_);
    }
  }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  VitalsPage& vitals_;
  std::uint64_t outer_;
  std::uint64_t outer_since_ = 0;
};

// This thread ends the process: its request is the culprit, or `fallback` when it has none. When
// there is neither, nothing that runs in another thread is to blame. In a forked child nobody is
// told.
void tell_culprit(VitalsPage& vitals, std::uint64_t fallback);

// From now on a deadly signal that comes of the code itself, or of the supervisor, tells the
// culprit before the process dies of it. Before faulthandler is enabled, which then writes its
// report first, and after Python's `signal` module is imported, which takes the signals for
// untouched. In a forked child `vitals` becomes memory of its own. Called once; `vitals` outlives
// the process's last signal.
void watch_deaths(VitalsPage& vitals);

}  // namespace lambdapool::worker
