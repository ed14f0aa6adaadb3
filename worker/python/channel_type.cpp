#include "worker/python/channel_type.h"

#include <new>

#include "worker/python/channel_methods.h"
#include "worker/python/headers.h"
#include "worker/python/stepped.h"

namespace lambdapool::worker::python {
namespace {

template <class Function>
void* slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return channel_of(self).traverse(visit, arg);
}

int clear(PyObject* self) {
  channel_of(self).clear();
  return 0;
}

void deallocate(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  channel_of(self).~Channel();
  type->tp_free(self);
  Py_DECREF(type);
}

constexpr const char* kTypeDoc = "The worker's channel to its supervisor.";

PyType_Slot type_slots[] = {
    {Py_tp_doc, const_cast<char*>(kTypeDoc)}, {Py_tp_dealloc, slot(&deallocate)},
    {Py_tp_traverse, slot(&traverse)},        {Py_tp_clear, slot(&clear)},
    {Py_tp_methods, channel_methods},         {0, nullptr}};

PyType_Spec type_spec{.name = "_lambdapool.Channel",
                      .basicsize = sizeof(ChannelObject),
                      .itemsize = 0,
                      .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                               Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
                      .slots = type_slots};

int add_types(PyObject* module) {
  const Reference type = steal(PyType_FromModuleAndSpec(module, &type_spec, nullptr));
  if (!type || PyModule_AddObjectRef(module, "Channel", type.get()) != 0) return -1;
  const Reference stepped = make_stepped_type(module);
  if (!stepped || PyModule_AddObjectRef(module, "Stepped", stepped.get()) != 0) return -1;
  const Reference headers = make_headers_type(module);
  return headers ? PyModule_AddObjectRef(module, "Headers", headers.get()) : -1;
}

PyModuleDef_Slot module_slots[] = {{Py_mod_exec, slot(&add_types)}, {0, nullptr}};

PyModuleDef module_definition{.m_base = PyModuleDef_HEAD_INIT,
                              .m_name = "_lambdapool",
                              .m_doc = "What the worker program gives to luna_lambda_tools.",
                              .m_size = 0,
                              .m_methods = nullptr,
                              .m_slots = module_slots,
                              .m_traverse = nullptr,
                              .m_clear = nullptr,
                              .m_free = nullptr};

}  // namespace

PyObject* make_lambdapool_module() { return PyModuleDef_Init(&module_definition); }

Reference make_channel(ChannelIo& io, VitalsPage& vitals) {
  const Reference module = steal(PyImport_ImportModule("_lambdapool"));
  const Reference type = module ? steal(PyObject_GetAttrString(module.get(), "Channel")) : nullptr;
  if (!type) return nullptr;
  auto* const allocated = reinterpret_cast<PyTypeObject*>(type.get());
  PyObject* const self = allocated->tp_alloc(allocated, 0);
  if (self != nullptr) new (&channel_of(self)) Channel(io, vitals);
  return steal(self);
}

}  // namespace lambdapool::worker::python
