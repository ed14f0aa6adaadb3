// Bytes that should be UTF-8 -> Python text. What is not comes through as lone surrogates and goes
// back unchanged.
#pragma once

#include <Python.h>

#include <string_view>

#include "worker/python/reference.h"

namespace lambdapool::worker::python {

// Null with an exception pending.
inline Reference make_text(std::string_view text) {
  const char* const bytes = text.data();
  return steal(
      PyUnicode_DecodeUTF8(bytes, static_cast<Py_ssize_t>(text.size()), "surrogateescape"));
}

}  // namespace lambdapool::worker::python
