// The calls from the worker program into luna_lambda_tools. No Python shows in this header.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/message.h"
#include "worker/channel/channel_io.h"
#include "worker/channel/vitals_page.h"

namespace lambdapool::worker::python {

// luna_lambda_tools.private.host.serve(channel, start), with `pylib` first on sys.path (unless
// empty). Gives the exit status. A host that cannot be imported is a failed start: the supervisor
// is told, with the traceback.
int serve(const protocol::Start& start, const std::string& pylib, ChannelIo& io,
          VitalsPage& vitals);

// Imports what serve() needs, in a process that is to be forked; with `lambda` also the lambda,
// whose log lines go to `say`. Gives the reason, for people, why no worker can be forked off this
// process; empty when they can.
using Say = std::function<void(std::string_view level, std::string_view text)>;
std::string preload(const protocol::Start& start, const std::string& pylib, bool lambda, Say say);

// What Python wants to be told around a fork(). Made before it; then in_parent() or in_child().
class Fork {
 public:
  Fork();
  void in_parent() const;
  void in_child() const;
};

// main(arguments) of one module of luna_lambda_tools. Gives the exit status.
int run_main(const char* module, std::span<const std::string> arguments, const std::string& pylib);

}  // namespace lambdapool::worker::python
