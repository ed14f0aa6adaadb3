#include "worker/python/deliver.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "worker/python/headers.h"
#include "worker/python/text.h"

namespace lambdapool::worker::python {
namespace {

constexpr double kMillisecondsPerSecond = 1000.0;

Reference make_number(std::uint64_t number) { return steal(PyLong_FromUnsignedLongLong(number)); }

Reference make_seconds(std::uint32_t milliseconds) {
  return steal(PyFloat_FromDouble(milliseconds / kMillisecondsPerSecond));
}

template <std::size_t kCount>
bool call(const Reference& handler, const std::array<Reference, kCount>& arguments) {
  // The first place is the callee's to use, as PY_VECTORCALL_ARGUMENTS_OFFSET says.
  std::array<PyObject*, kCount + 1> raw{};
  for (std::size_t i = 0; i < kCount; ++i) {
    if (!arguments[i]) return false;
    raw[i + 1] = arguments[i].get();
  }
  // The handler may detach the channel and with it drop the last reference to itself.
  const Reference callee = share(handler.get());
  return steal(PyObject_Vectorcall(callee.get(), raw.data() + 1,
                                   kCount | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr)) != nullptr;
}

}  // namespace

Reference make_bytes(std::string_view view) {
  const char* const bytes = view.data();
  return steal(PyBytes_FromStringAndSize(bytes, static_cast<Py_ssize_t>(view.size())));
}

Reference read_body(int descriptor, std::uint64_t size) {
  Reference body = steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size)));
  std::uint64_t done = 0;
  while (body && done < size) {
    const ssize_t count = pread(descriptor, PyBytes_AS_STRING(body.get()) + done, size - done,
                                static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = EIO;
    if (count <= 0) {
      // Not open: the process could not take one descriptor more.
      if (descriptor < 0) errno = EMFILE;
      PyErr_SetFromErrno(PyExc_OSError);
      return nullptr;
    }
    done += static_cast<std::uint64_t>(count);
  }
  return body;
}

bool call_with(const Reference& handler, const protocol::Request& request, const Reference& body) {
  return call<11>(
      handler,
      {make_number(request.id), make_number(request.slot), make_seconds(request.time_left_ms),
       make_text(request.method), make_bytes(request.path), make_bytes(request.query),
       make_headers(request.headers), make_text(request.peer), make_text(request.request_id),
       make_number(request.http_minor), share(body.get())});
}

bool call_with(const Reference& handler, const protocol::Cancel& cancel) {
  return call<2>(handler, {make_number(cancel.id), make_text(cancel.reason)});
}

bool call_with(const Reference& handler, const protocol::Shutdown& shutdown) {
  return call<1>(handler, {make_seconds(shutdown.limit_ms)});
}

bool call_with(const Reference& handler, const protocol::Credit& credit) {
  return call<2>(handler, {make_number(credit.id), make_number(credit.bytes)});
}

bool call_with(const Reference& handler, const protocol::AskStacks& asked) {
  return call<1>(handler, {make_number(asked.id)});
}

bool call_with(const Reference& handler, const protocol::SetLogLevel& to) {
  return call<1>(handler, {make_text(to.level)});
}

}  // namespace lambdapool::worker::python
