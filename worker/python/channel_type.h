// The built-in module `_lambdapool` and its types, Channel and Stepped.
//
// Only make_channel() makes instances of the one, make_stepped() of the other.
#pragma once

#include <Python.h>

#include "worker/channel/channel_io.h"
#include "worker/channel/vitals_page.h"
#include "worker/python/reference.h"

namespace lambdapool::worker::python {

// For PyImport_AppendInittab.
PyObject* make_lambdapool_module();

// A channel on `io` and `vitals`, which outlive the interpreter. Null with an exception pending.
Reference make_channel(ChannelIo& io, VitalsPage& vitals);

}  // namespace lambdapool::worker::python
