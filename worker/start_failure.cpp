#include "worker/start_failure.h"

#include <cstdio>

#include "worker/exit_status.h"
#include "worker/text.h"

namespace lambdapool::worker {

int report_start_failure(ChannelIo& io, std::string_view text, std::string_view traceback) {
  const BoundedText bounded_text(text, kMaxErrorText);
  const BoundedText bounded_traceback(traceback, kMaxErrorText);
  io.queue(protocol::StartFailed{
      .stage = "load", .text = bounded_text.view(), .traceback = bounded_traceback.view()});
  if (io.flush(std::chrono::seconds{5}) == WriteState::kBlocked) {
    std::fprintf(stderr,
                 "lambdapool-worker: the supervisor does not read; the start failed: %.*s\n",
                 static_cast<int>(text.size()), text.data());
  }
  return kExitStartFailed;
}

}  // namespace lambdapool::worker
