// _lambdapool.Stepped: a coroutine that says on the vitals page whenever it takes a step.
//
// A task that is given one in place of its coroutine behaves as before: the step goes straight from
// the task's C code to the coroutine's, and every attribute that a Stepped does not have is the
// coroutine's own, its class included.
//
// Most coroutines of requests return in their first step, and a task costs more than that step:
// take_first_step() does without one. A task that is made of the Stepped during or after that step
// goes on as if it had taken it itself: it waits for what the coroutine yielded, and when it is
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

struct FirstStep {
  PyObject* coroutine;  // All borrowed.
  PyObject* variable;   // Of context.
  PyObject* value;
  std::uint64_t request;
  std::uint32_t slot;  // Below the window.
};

// Marks the request as begun and takes its first step, in a context of its own in which the
// variable has the value. Gives None when the coroutine has returned, what it returned being
// dropped; else the Stepped to make a task of. Null with an exception pending, the coroutine's.
Reference take_first_step(VitalsPage& vitals, const FirstStep& first);

// The Stepped that take_first_step() is in; None in none.
Reference first_step_being_taken();

}  // namespace lambdapool::worker::python
