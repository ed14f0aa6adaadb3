// The two calls from the worker program into luna_lambda_tools. No Python shows in this header.
#pragma once

#include <span>
#include <string>

#include "protocol/message.h"
#include "worker/channel/channel_io.h"
#include "worker/channel/vitals_page.h"

namespace lambdapool::worker::python {

// luna_lambda_tools.private.host.serve(channel, start), with `pylib` first on sys.path (unless
// empty). Gives the exit status. A host that cannot be imported is a failed start: the supervisor
// is told, with the traceback.
int serve(const protocol::Start& start, const std::string& pylib, ChannelIo& io,
          VitalsPage& vitals);

// main(arguments) of one module of luna_lambda_tools. Gives the exit status.
int run_main(const char* module, std::span<const std::string> arguments, const std::string& pylib);

}  // namespace lambdapool::worker::python
