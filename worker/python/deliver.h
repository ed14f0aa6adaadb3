// Messages that came down -> calls of the host's handlers.
#pragma once

#include "protocol/message.h"
#include "worker/python/reference.h"

namespace lambdapool::worker::python {

// Calls `handler` with the message's fields in the order of the bridge: see the table in
// worker/README.md. False: an exception is pending.
bool call_with(const Reference& handler, const protocol::Request& request);
bool call_with(const Reference& handler, const protocol::Cancel& cancel);
bool call_with(const Reference& handler, const protocol::Shutdown& shutdown);
bool call_with(const Reference& handler, const protocol::Credit& credit);
bool call_with(const Reference& handler, const protocol::AskStacks& asked);

}  // namespace lambdapool::worker::python
