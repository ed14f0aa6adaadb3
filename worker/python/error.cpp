#include "worker/python/error.h"

#include "worker/python/reference.h"

namespace lambdapool::worker::python {
namespace {

Reference take_exception() {
#if PY_VERSION_HEX >= 0x030C0000
  return steal(PyErr_GetRaisedException());
#else
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  const Reference owned_type = steal(type);
  const Reference owned_traceback = steal(traceback);
  if (value != nullptr && traceback != nullptr) PyException_SetTraceback(value, traceback);
  return steal(value);
#endif
}

// The strings in the list that a function of module `traceback` makes of the exception, put
// together.
std::string format_with(const char* function, PyObject* exception) {
  const Reference module = steal(PyImport_ImportModule("traceback"));
  if (!module) return {};
  const Reference lines = steal(PyObject_CallMethod(module.get(), function, "O", exception));
  const Reference empty = steal(PyUnicode_FromStringAndSize("", 0));
  if (!lines || !empty) return {};
  const Reference joined = steal(PyUnicode_Join(empty.get(), lines.get()));
  if (!joined) return {};
  const Reference bytes =
      steal(PyUnicode_AsEncodedString(joined.get(), "utf-8", "backslashreplace"));
  if (!bytes) return {};
  return {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
}

// The last line that is not blank and not part of a report's indented body.
std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

ErrorText take_error() {
  const Reference exception = take_exception();
  if (!exception) return {"no error", "no error\n"};
  ErrorText text{last_line(format_with("format_exception_only", exception.get())),
                 format_with("format_exception", exception.get())};
  // An exception that cannot even be described, for example because memory has run out.
  PyErr_Clear();
  if (text.summary.empty()) text.summary = Py_TYPE(exception.get())->tp_name;
  if (text.traceback.empty()) text.traceback = text.summary + "\n";
  return text;
}

void print_error(const char* where) {
  const ErrorText text = take_error();
  PySys_FormatStderr("%s:\n%s", where, text.traceback.c_str());
}

}  // namespace lambdapool::worker::python
