// _lambdapool.Stepped: a coroutine that says on the vitals page whenever it takes a step.
//
// A task that is given one in place of its coroutine behaves as before: the step goes straight from
// the task's C code to the coroutine's, and every attribute that a Stepped does not have is the
// coroutine's own, its class included. Only make_stepped() makes instances.
//
// Most coroutines of requests return in their first step, and a task costs more than that step:
// `start()` takes it without one. A task that is made of the Stepped during or after that step goes
// on as if it had taken it itself: it waits for what the coroutine yielded, and when it is
// cancelled before it can, it cancels that.
#pragma once

#include <Python.h>

#include <cstdint>

#include "worker/channel/vitals_page.h"
#include "worker/python/reference.h"

namespace lambdapool::worker::python {

// For the module. Null with an exception pending.
Reference make_stepped_type(PyObject* module);

// Null with an exception pending. `vitals` outlives the interpreter.
Reference make_stepped(VitalsPage& vitals, PyObject* coroutine, std::uint64_t request);

}  // namespace lambdapool::worker::python
