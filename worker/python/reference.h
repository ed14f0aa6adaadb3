// Ownership of Python objects.
//
// A Reference owns one strong reference. Made, moved and dropped only while the GIL is held.
#pragma once

#include <Python.h>

#include <memory>

namespace lambdapool::worker::python {

struct DropReference {
  void operator()(PyObject* object) const noexcept { Py_DECREF(object); }
};
using Reference = std::unique_ptr<PyObject, DropReference>;

// Takes over a new reference, which may be null: then an exception is pending.
inline Reference steal(PyObject* object) { return Reference(object); }

// A reference of our own to an object that somebody else owns.
inline Reference share(PyObject* object) { return Reference(Py_XNewRef(object)); }

}  // namespace lambdapool::worker::python
