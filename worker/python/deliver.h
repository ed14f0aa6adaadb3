// Messages that came down -> calls of the host's handlers.
#pragma once

#include <string_view>

#include "protocol/message.h"
#include "worker/python/reference.h"

namespace lambdapool::worker::python {

// bytes objects; null with an exception pending. The second has one copy of what is in the memory,
// so that it stays what it is whatever becomes of that.
Reference make_bytes(std::string_view view);
Reference read_body(int descriptor, std::uint64_t size);

// Calls `handler` with the message's fields in the order of the bridge: see the table in
// worker/README.md. False: an exception is pending.
bool call_with(const Reference& handler, const protocol::Request& request, const Reference& body);
bool call_with(const Reference& handler, const protocol::Cancel& cancel);
bool call_with(const Reference& handler, const protocol::Shutdown& shutdown);
bool call_with(const Reference& handler, const protocol::Credit& credit);
bool call_with(const Reference& handler, const protocol::AskStacks& asked);
bool call_with(const Reference& handler, const protocol::SetLogLevel& to);

}  // namespace lambdapool::worker::python
