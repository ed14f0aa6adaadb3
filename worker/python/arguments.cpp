#include "worker/python/arguments.h"

#include <cmath>

namespace lambdapool::worker::python {

Arguments::Arguments(const Signature& signature, PyObject* const* values, Py_ssize_t count,
                     PyObject* keywords)
    : signature_(signature) {
  bound_ = bind(values, static_cast<std::size_t>(count), keywords);
}

Arguments::~Arguments() { PyBuffer_Release(&buffer_); }

bool Arguments::bind(PyObject* const* values, std::size_t count, PyObject* keywords) {
  const std::size_t parameters = signature_.parameters.size();
  if (count > parameters) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most %zu arguments, not %zu", signature_.method,
                 parameters, count);
    return false;
  }
  for (std::size_t i = 0; i < count; ++i) values_[i] = values[i];
  const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* keyword = PyTuple_GET_ITEM(keywords, i);
    const auto index = parameter_of(keyword);
    if (!index || values_[*index] != nullptr) {
      PyErr_Format(PyExc_TypeError,
                   index ? "%s() got argument %R twice" : "%s() has no argument %R",
                   signature_.method, keyword);
      return false;
    }
    values_[*index] = values[count + static_cast<std::size_t>(i)];
  }
  for (std::size_t i = 0; i < signature_.required; ++i) {
    if (values_[i] != nullptr) continue;
    PyErr_Format(PyExc_TypeError, "%s() needs argument '%s'", signature_.method,
                 signature_.parameters[i]);
    return false;
  }
  return true;
}

std::optional<std::size_t> Arguments::parameter_of(PyObject* keyword) const {
  for (std::size_t i = 0; i < signature_.parameters.size(); ++i) {
    if (PyUnicode_CompareWithASCIIString(keyword, signature_.parameters[i]) == 0) return i;
  }
  return std::nullopt;
}

std::nullopt_t Arguments::fail_type(std::size_t index, const char* wanted) const {
  PyErr_Format(PyExc_TypeError, "%s(): %s must be %s, not %.100s", signature_.method,
               signature_.parameters[index], wanted, Py_TYPE(values_[index])->tp_name);
  return std::nullopt;
}

std::optional<std::uint64_t> Arguments::number(std::size_t index, std::uint64_t least,
                                               std::uint64_t most) {
  if (!PyLong_Check(values_[index])) return fail_type(index, "int");
  const std::uint64_t value = PyLong_AsUnsignedLongLong(values_[index]);
  const bool overflow = value == UINT64_MAX && PyErr_Occurred() != nullptr;
  if (!overflow && value >= least && value <= most) return value;
  PyErr_Clear();
  PyErr_Format(PyExc_ValueError, "%s(): %s must be %llu to %llu, not %R", signature_.method,
               signature_.parameters[index], static_cast<unsigned long long>(least),
               static_cast<unsigned long long>(most), values_[index]);
  return std::nullopt;
}

std::optional<std::string_view> Arguments::encode(PyObject* text, Surrogates surrogates) {
  Py_ssize_t size = 0;
  if (const char* bytes = PyUnicode_AsUTF8AndSize(text, &size))
    return {{bytes, static_cast<std::size_t>(size)}};
  if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError) == 0) return std::nullopt;
  PyErr_Clear();
  const char* errors = surrogates == Surrogates::kEscape ? "surrogateescape" : "backslashreplace";
  Reference encoded = steal(PyUnicode_AsEncodedString(text, "utf-8", errors));
  if (!encoded) return std::nullopt;
  const std::string_view view(PyBytes_AS_STRING(encoded.get()),
                              static_cast<std::size_t>(PyBytes_GET_SIZE(encoded.get())));
  owned_.push_back(std::move(encoded));
  return view;
}

std::optional<std::string_view> Arguments::text(std::size_t index, Surrogates surrogates) {
  if (!PyUnicode_Check(values_[index])) return fail_type(index, "str");
  return encode(values_[index], surrogates);
}

std::optional<std::string_view> Arguments::bytes(std::size_t index) {
  if (PyBytes_CheckExact(values_[index])) {
    return {{PyBytes_AS_STRING(values_[index]),
             static_cast<std::size_t>(PyBytes_GET_SIZE(values_[index]))}};
  }
  if (PyObject_CheckBuffer(values_[index]) == 0) return fail_type(index, "bytes-like");
  if (PyObject_GetBuffer(values_[index], &buffer_, PyBUF_SIMPLE) != 0) return std::nullopt;
  return {{static_cast<const char*>(buffer_.buf), static_cast<std::size_t>(buffer_.len)}};
}

std::optional<double> Arguments::seconds(std::size_t index) {
  if (!PyFloat_Check(values_[index]) && !PyLong_Check(values_[index]))
    return fail_type(index, "a number");
  const double value = PyFloat_AsDouble(values_[index]);
  if (value == -1.0 && PyErr_Occurred() != nullptr) return std::nullopt;
  if (std::isfinite(value) && value >= 0) return value;
  PyErr_Format(PyExc_ValueError, "%s(): %s must be a number of seconds, not %R", signature_.method,
               signature_.parameters[index], values_[index]);
  return std::nullopt;
}

std::optional<std::vector<double>> Arguments::numbers(std::size_t index) {
  PyObject* list = values_[index];
  if (!PyList_Check(list) && !PyTuple_Check(list)) return fail_type(index, "a list of numbers");
  const auto count = static_cast<std::size_t>(PySequence_Fast_GET_SIZE(list));
  if (count > kMaxNumbers) return fail_type(index, "a list of at most 4000 numbers");
  std::vector<double> numbers;
  numbers.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double value = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(list, i));
    if (value == -1.0 && PyErr_Occurred() != nullptr) return std::nullopt;
    numbers.push_back(value);
  }
  return numbers;
}

std::optional<std::string_view> Arguments::header_part(PyObject* part) {
  if (PyUnicode_Check(part)) return encode(part, Surrogates::kEscape);
  if (PyBytes_Check(part))
    return {{PyBytes_AS_STRING(part), static_cast<std::size_t>(PyBytes_GET_SIZE(part))}};
  PyErr_Format(PyExc_TypeError, "%s(): a header's name and value must be str or bytes, not %.100s",
               signature_.method, Py_TYPE(part)->tp_name);
  return std::nullopt;
}

std::optional<protocol::Fields> Arguments::headers(std::size_t index) {
  protocol::Fields fields;
  PyObject* list = values_[index];
  if (list == nullptr) return fields;
  if (!PyList_Check(list) && !PyTuple_Check(list))
    return fail_type(index, "a list or tuple of pairs");
  const auto count = static_cast<std::size_t>(PySequence_Fast_GET_SIZE(list));
  std::size_t bytes = 0;
  fields.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* pair = PySequence_Fast_GET_ITEM(list, i);
    if ((!PyTuple_Check(pair) && !PyList_Check(pair)) || PySequence_Fast_GET_SIZE(pair) != 2) {
      PyErr_Format(PyExc_TypeError,
                   "%s(): each of the headers must be a pair of name and value, not %R",
                   signature_.method, pair);
      return std::nullopt;
    }
    const auto name = header_part(PySequence_Fast_GET_ITEM(pair, 0));
    const auto value = name ? header_part(PySequence_Fast_GET_ITEM(pair, 1)) : std::nullopt;
    if (!value) return std::nullopt;
    bytes += name->size() + value->size();
    fields.push_back({*name, *value});
  }
  if (count > kMaxHeaders || bytes > kMaxHeaderBytes) {
    PyErr_Format(PyExc_ValueError,
                 "%s(): %zu headers of %zu bytes are over the limit of %zu and %zu bytes",
                 signature_.method, count, bytes, kMaxHeaders, kMaxHeaderBytes);
    return std::nullopt;
  }
  return fields;
}

}  // namespace lambdapool::worker::python
