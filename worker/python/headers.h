// The header fields of a request, which become Python objects when somebody asks for them: most
// lambdas never do.
//
// An iterable of (name, value), both str; it holds a copy of the bytes and never changes.
#pragma once

#include "protocol/message.h"
#include "worker/python/reference.h"

namespace lambdapool::worker::python {

// Makes the type, for the module; null with an exception pending.
Reference make_headers_type(PyObject* module);

// Null with an exception pending. After make_headers_type().
Reference make_headers(const protocol::Fields& fields);

}  // namespace lambdapool::worker::python
