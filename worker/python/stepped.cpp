#include "worker/python/stepped.h"

#include <utility>

#include "worker/whose_code.h"

namespace lambdapool::worker::python {
namespace {

struct SteppedObject {
  PyObject_HEAD PyObject* coroutine;
  // What the coroutine yielded in its first step, until a task has been given it.
  PyObject* first_yield;
  // In which it took its first step, when that was without a task.
  PyObject* context;
  VitalsPage* vitals;
  std::uint64_t request;
  bool returned;  // In its first step.
};

SteppedObject& stepped_of(PyObject* self) { return *reinterpret_cast<SteppedObject*>(self); }

// The coroutine; an exception is pending when the garbage collector has taken it already.
PyObject* coroutine_of(PyObject* self) {
  PyObject* const coroutine = stepped_of(self).coroutine;
  if (coroutine == nullptr) PyErr_SetString(PyExc_RuntimeError, "the coroutine is gone");
  return coroutine;
}

Step step_of(PyObject* self) { return Step(*stepped_of(self).vitals, stepped_of(self).request); }

// A copy of the current context is the current one for as long as this lives.
class ContextScope {
 public:
  ContextScope() : context_(steal(PyContext_CopyCurrent())) {
    if (context_ && PyContext_Enter(context_.get()) != 0) context_ = nullptr;
  }
  ~ContextScope() {
    if (!context_) return;
    // What the step has raised stays pending.
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyContext_Exit(context_.get()) != 0) PyErr_Clear();
    PyErr_Restore(type, value, traceback);
  }
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

  PyObject* get() const { return context_.get(); }  // Null with an exception pending.

 private:
  Reference context_;
};

// The one whose first step is being taken; of several, when a lambda runs the loop in its own, the
// one that has begun last. Only the loop's thread takes steps.
PyObject* innermost = nullptr;

class Innermost {
 public:
  explicit Innermost(PyObject* self) : outer_(std::exchange(innermost, self)) {}
  ~Innermost() { innermost = outer_; }
  Innermost(const Innermost&) = delete;
  Innermost& operator=(const Innermost&) = delete;

 private:
  PyObject* outer_;
};

// What a task calls for most of its steps.
PySendResult send_value(PyObject* self, PyObject* value, PyObject** result) {
  *result = nullptr;
  PyObject* const coroutine = coroutine_of(self);
  if (coroutine == nullptr) return PYGEN_ERROR;
  if (stepped_of(self).returned) {
    *result = Py_NewRef(Py_None);
    return PYGEN_RETURN;
  }
  if (const Reference waits_for = steal(std::exchange(stepped_of(self).first_yield, nullptr))) {
    // None asks for a turn of the loop, and the task's first step has been one.
    if (waits_for.get() != Py_None) {
      *result = Py_NewRef(waits_for.get());
      return PYGEN_NEXT;
    }
  }
  const Step step = step_of(self);
  return PyIter_Send(coroutine, value, result);
}

// Calls a method of the coroutine as one step.
PyObject* call_as_step(PyObject* self, const char* name, PyObject* const* values,
                       Py_ssize_t count) {
  PyObject* const coroutine = coroutine_of(self);
  const Reference method = coroutine ? steal(PyObject_GetAttrString(coroutine, name)) : nullptr;
  if (!method) return nullptr;
  const Step step = step_of(self);
  return PyObject_Vectorcall(method.get(), values, static_cast<std::size_t>(count), nullptr);
}

PyObject* send(PyObject* self, PyObject* value) {
  if (!stepped_of(self).returned && stepped_of(self).first_yield == nullptr)
    return call_as_step(self, "send", &value, 1);
  PyObject* result = nullptr;
  switch (send_value(self, value, &result)) {
    case PYGEN_NEXT:
      return result;
    case PYGEN_RETURN:
      Py_DECREF(result);
      PyErr_SetNone(PyExc_StopIteration);
      return nullptr;
    case PYGEN_ERROR:
      return nullptr;
  }
  return nullptr;
}

// A task that was cancelled before it could wait for what the first step yielded: it cancels that,
// as it would have, and then waits for it. Null without an exception: there is nothing to cancel.
Reference cancelled_first_yield(PyObject* self) {
  Reference waits_for = steal(std::exchange(stepped_of(self).first_yield, nullptr));
  if (!waits_for || waits_for.get() == Py_None) return nullptr;
  const Reference done = steal(PyObject_CallMethod(waits_for.get(), "cancel", nullptr));
  const int cancelled = done ? PyObject_IsTrue(done.get()) : -1;
  if (cancelled < 0) PyErr_Clear();  // It is no future; the exception goes into the coroutine.
  return cancelled == 1 ? std::move(waits_for) : nullptr;
}

PyObject* throw_into(PyObject* self, PyObject* const* values, Py_ssize_t count) {
  if (stepped_of(self).returned && count > 0 && PyExceptionInstance_Check(values[0])) {
    PyErr_SetObject(PyExceptionInstance_Class(values[0]), values[0]);
    return nullptr;
  }
  if (stepped_of(self).first_yield != nullptr) {
    if (Reference waits_for = cancelled_first_yield(self)) return waits_for.release();
  }
  return call_as_step(self, "throw", values, count);
}

PyObject* close(PyObject* self, PyObject* /*none*/) {
  return call_as_step(self, "close", nullptr, 0);
}

PyObject* await(PyObject* self) {
  PyObject* const coroutine = coroutine_of(self);
  const Reference method =
      coroutine ? steal(PyObject_GetAttrString(coroutine, "__await__")) : nullptr;
  return method ? PyObject_CallNoArgs(method.get()) : nullptr;
}

PyObject* await_method(PyObject* self, PyObject* /*none*/) { return await(self); }

PyObject* represent(PyObject* self) {
  PyObject* const coroutine = coroutine_of(self);
  return coroutine == nullptr ? nullptr : PyObject_Repr(coroutine);
}

PyObject* get_attribute(PyObject* self, PyObject* name) {
  PyObject* const own = PyObject_GenericGetAttr(self, name);
  if (own != nullptr || PyErr_ExceptionMatches(PyExc_AttributeError) == 0) return own;
  PyErr_Clear();
  PyObject* const coroutine = coroutine_of(self);
  return coroutine == nullptr ? nullptr : PyObject_GetAttr(coroutine, name);
}

PyObject* get_class(PyObject* self, void* /*closure*/) {
  PyObject* const coroutine = coroutine_of(self);
  return coroutine == nullptr ? nullptr
                              : Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(coroutine)));
}

PyObject* get_request(PyObject* self, void* /*closure*/) {
  return PyLong_FromUnsignedLongLong(stepped_of(self).request);
}

PyObject* get_context(PyObject* self, void* /*closure*/) {
  PyObject* const context = stepped_of(self).context;
  return Py_NewRef(context != nullptr ? context : Py_None);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(stepped_of(self).coroutine);
  Py_VISIT(stepped_of(self).first_yield);
  Py_VISIT(stepped_of(self).context);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(stepped_of(self).coroutine);
  Py_CLEAR(stepped_of(self).first_yield);
  Py_CLEAR(stepped_of(self).context);
  return 0;
}

void deallocate(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  type->tp_free(self);
  Py_DECREF(type);
}

template <class Function>
void* slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

PyMethodDef methods[] = {
    {"send", &send, METH_O, "Takes a step."},
    {"throw", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&throw_into)),
     METH_FASTCALL, "Takes a step that begins with an exception."},
    {"close", &close, METH_NOARGS, "Ends the coroutine."},
    {"__await__", &await_method, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef attributes[] = {
    {"__class__", &get_class, nullptr, nullptr, nullptr},
    {"context", &get_context, nullptr,
     "In which the first step was taken, when that was without a task.", nullptr},
    {"lambdapool_request", &get_request, nullptr, "The id of the request it belongs to.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

constexpr const char* kTypeDoc = "A coroutine that says whose code it is when it runs.";

PyType_Slot type_slots[] = {{Py_tp_doc, const_cast<char*>(kTypeDoc)},
                            {Py_tp_dealloc, slot(&deallocate)},
                            {Py_tp_traverse, slot(&traverse)},
                            {Py_tp_clear, slot(&clear)},
                            {Py_tp_repr, slot(&represent)},
                            {Py_tp_getattro, slot(&get_attribute)},
                            {Py_tp_methods, methods},
                            {Py_tp_getset, attributes},
                            {Py_am_await, slot(&await)},
                            {Py_am_send, slot(&send_value)},
                            {0, nullptr}};

PyType_Spec type_spec{.name = "_lambdapool.Stepped",
                      .basicsize = sizeof(SteppedObject),
                      .itemsize = 0,
                      .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                               Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
                      .slots = type_slots};

PyTypeObject* stepped_type = nullptr;

}  // namespace

Reference make_stepped_type(PyObject* module) {
  Reference type = steal(PyType_FromModuleAndSpec(module, &type_spec, nullptr));
  if (type) stepped_type = reinterpret_cast<PyTypeObject*>(type.get());
  return type;
}

Reference make_stepped(VitalsPage& vitals, PyObject* coroutine, std::uint64_t request) {
  PyObject* const self = stepped_type->tp_alloc(stepped_type, 0);
  if (self == nullptr) return nullptr;
  stepped_of(self).coroutine = Py_NewRef(coroutine);
  stepped_of(self).vitals = &vitals;
  stepped_of(self).request = request;
  return steal(self);
}

Reference take_first_step(VitalsPage& vitals, const FirstStep& first) {
  Reference self = make_stepped(vitals, first.coroutine, first.request);
  const ContextScope context;
  if (!self || context.get() == nullptr) return nullptr;
  if (!steal(PyContextVar_Set(first.variable, first.value))) return nullptr;
  SteppedObject& stepped = stepped_of(self.get());
  stepped.context = Py_NewRef(context.get());
  vitals.begin(first.slot, first.request);
  PyObject* result = nullptr;
  const PySendResult outcome = [&] {
    const Innermost being_taken(self.get());
    const Step step = step_of(self.get());
    return PyIter_Send(first.coroutine, Py_None, &result);
  }();
  if (outcome == PYGEN_ERROR) return nullptr;
  if (outcome == PYGEN_NEXT) {
    stepped.first_yield = result;
    return self;
  }
  Py_DECREF(result);
  stepped.returned = true;
  return share(Py_None);
}

Reference first_step_being_taken() { return share(innermost != nullptr ? innermost : Py_None); }

}  // namespace lambdapool::worker::python
