// How a start that fails before the host runs is told to the supervisor.
#pragma once

#include <string_view>

#include "worker/channel/channel_io.h"

namespace lambdapool::worker {

// Sends `start_failed` of stage "load", waiting a bounded time for the supervisor to take it, and
// gives the exit status.
int report_start_failure(ChannelIo& io, std::string_view text, std::string_view traceback = {});

}  // namespace lambdapool::worker
