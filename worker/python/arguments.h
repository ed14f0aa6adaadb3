// What Python code hands to the channel's methods -> views of C++.
//
// Every reader gives nothing with an exception pending that names the method and the argument. The
// views live as long as the Arguments they were read from, under the GIL.
#pragma once

#include <Python.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/message.h"
#include "worker/python/reference.h"

namespace lambdapool::worker::python {

inline constexpr std::size_t kMaxParameters = 9;
// The codec of the other side takes lists of at most 4096 elements; a header is two.
inline constexpr std::size_t kMaxHeaders = 1024;
inline constexpr std::size_t kMaxNumbers = 4000;
inline constexpr std::size_t kMaxHeaderBytes = std::size_t{512} << 10;

struct Signature {
  const char* method;
  std::span<const char* const> parameters;
  std::size_t required;
};

// How text becomes bytes where it is not valid Unicode.
enum class Surrogates {
  kEscape,     // Back to the bytes they stand for, as in headers that came in.
  kBackslash,  // Written out, for text that people read.
};

class Arguments {
 public:
  // Binds positional and keyword arguments as a Python function would. Check is_bound() first.
  Arguments(const Signature& signature, PyObject* const* values, Py_ssize_t count,
            PyObject* keywords);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  bool is_bound() const { return bound_; }
  PyObject* get(std::size_t index) const { return values_[index]; }  // Null where it was left out.

  std::optional<std::uint64_t> number(std::size_t index, std::uint64_t least, std::uint64_t most);
  std::optional<std::string_view> text(std::size_t index, Surrogates surrogates);
  std::optional<std::string_view> bytes(std::size_t index);  // Once at most.
  std::optional<double> seconds(std::size_t index);
  // A list or tuple of numbers.
  std::optional<std::vector<double>> numbers(std::size_t index);
  // A list or tuple of pairs of str or bytes; empty where it was left out.
  std::optional<protocol::Fields> headers(std::size_t index);

 private:
  bool bind(PyObject* const* values, std::size_t count, PyObject* keywords);
  std::optional<std::size_t> parameter_of(PyObject* keyword) const;
  std::nullopt_t fail_type(std::size_t index, const char* wanted) const;
  std::optional<std::string_view> encode(PyObject* text, Surrogates surrogates);
  std::optional<std::string_view> header_part(PyObject* part);

  const Signature& signature_;
  PyObject* values_[kMaxParameters] = {};  // Borrowed from the caller.
  bool bound_ = false;
  std::vector<Reference> owned_;
  Py_buffer buffer_{};  // No method takes more than one.
};

}  // namespace lambdapool::worker::python
