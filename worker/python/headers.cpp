#include "worker/python/headers.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "worker/python/text.h"

namespace lambdapool::worker::python {
namespace {

// For each field the two lengths, then name and value.
struct Lengths {
  std::uint32_t name;
  std::uint32_t value;
};

struct HeadersObject {
  PyObject_VAR_HEAD std::uint32_t count;
  char bytes[1];  // As many as ob_size says.
};

HeadersObject& headers_of(PyObject* self) { return *reinterpret_cast<HeadersObject*>(self); }

Reference make_pair(std::string_view name, std::string_view value) {
  const Reference first = make_text(name);
  const Reference second = first ? make_text(value) : nullptr;
  return second ? steal(PyTuple_Pack(2, first.get(), second.get())) : nullptr;
}

PyObject* iterate(PyObject* self) {
  const HeadersObject& headers = headers_of(self);
  const Reference list = steal(PyList_New(static_cast<Py_ssize_t>(headers.count)));
  if (!list) return nullptr;
  const char* at = headers.bytes;
  for (std::uint32_t i = 0; i < headers.count; ++i) {
    Lengths lengths{};
    std::memcpy(&lengths, at, sizeof lengths);
    at += sizeof lengths;
    Reference pair = make_pair({at, lengths.name}, {at + lengths.name, lengths.value});
    if (!pair) return nullptr;
    at += std::size_t{lengths.name} + lengths.value;
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), pair.release());
  }
  return PyObject_GetIter(list.get());
}

void deallocate(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

template <class Function>
void* slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

constexpr const char* kTypeDoc = "Header fields: an iterable of (name, value).";

PyType_Slot type_slots[] = {{Py_tp_doc, const_cast<char*>(kTypeDoc)},
                            {Py_tp_dealloc, slot(&deallocate)},
                            {Py_tp_iter, slot(&iterate)},
                            {0, nullptr}};

PyType_Spec type_spec{
    .name = "_lambdapool.Headers",
    .basicsize = offsetof(HeadersObject, bytes),
    .itemsize = 1,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = type_slots};

PyTypeObject* headers_type = nullptr;

}  // namespace

Reference make_headers_type(PyObject* module) {
  Reference type = steal(PyType_FromModuleAndSpec(module, &type_spec, nullptr));
  if (type) headers_type = reinterpret_cast<PyTypeObject*>(type.get());
  return type;
}

Reference make_headers(const protocol::Fields& fields) {
  std::size_t size = 0;
  for (const protocol::Field& field : fields)
    size += sizeof(Lengths) + field.name.size() + field.value.size();
  PyObject* const self = headers_type->tp_alloc(headers_type, static_cast<Py_ssize_t>(size));
  if (self == nullptr) return nullptr;
  headers_of(self).count = static_cast<std::uint32_t>(fields.size());
  char* at = headers_of(self).bytes;
  const auto put = [&at](const void* bytes, std::size_t count) {
    if (count > 0) std::memcpy(at, bytes, count);
    at += count;
  };
  for (const protocol::Field& field : fields) {
    // A frame is far smaller than what these can say.
    const Lengths lengths{static_cast<std::uint32_t>(field.name.size()),
                          static_cast<std::uint32_t>(field.value.size())};
    put(&lengths, sizeof lengths);
    put(field.name.data(), field.name.size());
    put(field.value.data(), field.value.size());
  }
  return steal(self);
}

}  // namespace lambdapool::worker::python
