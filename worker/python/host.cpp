#include "worker/python/host.h"

#include "protocol/frame.h"
#include "worker/exit_status.h"
#include "worker/python/channel_type.h"
#include "worker/python/error.h"
#include "worker/python/interpreter.h"
#include "worker/python/reference.h"
#include "worker/python/text.h"
#include "worker/start_failure.h"

namespace lambdapool::worker::python {
namespace {

constexpr const char* kHostModule = "luna_lambda_tools.private.host";

constexpr const char* kPreloadModule = "luna_lambda_tools.private.preloading";

// say(level, request_id, text), for what is logged before there is a channel.
PyObject* say_line(PyObject* capsule, PyObject* arguments) {
  const char* level = nullptr;
  const char* request_id = nullptr;
  PyObject* text = nullptr;
  if (PyArg_ParseTuple(arguments, "ssU", &level, &request_id, &text) == 0) return nullptr;
  const Reference bytes = steal(PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"));
  if (!bytes) return nullptr;
  const auto* say = static_cast<Say*>(PyCapsule_GetPointer(capsule, nullptr));
  if (say == nullptr) return nullptr;
  (*say)(level,
         {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))});
  Py_RETURN_NONE;
}

PyMethodDef kSay = {"say", &say_line, METH_VARARGS, nullptr};

bool set_text(const Reference& dict, const char* key, std::string_view text) {
  const Reference value = make_text(text);
  return value && PyDict_SetItemString(dict.get(), key, value.get()) == 0;
}

bool set_number(const Reference& dict, const char* key, std::uint32_t number) {
  const Reference value = steal(PyLong_FromUnsignedLong(number));
  return value && PyDict_SetItemString(dict.get(), key, value.get()) == 0;
}

// `start` as the host takes it; null with an exception pending.
Reference make_start(const protocol::Start& start) {
  Reference dict = steal(PyDict_New());
  const bool made = dict && set_text(dict, "lambda_root", start.lambda_root) &&
                    set_text(dict, "lambda_id", start.lambda_id) &&
                    set_text(dict, "lambda_name", start.lambda_name) &&
                    set_text(dict, "lambda_version", start.lambda_version) &&
                    set_text(dict, "event_loop", start.event_loop) &&
                    set_text(dict, "log_level", start.log_level) &&
                    set_text(dict, "settings", start.settings.empty() ? "{}" : start.settings) &&
                    set_number(dict, "worker", start.worker) &&
                    set_number(dict, "window", start.window) &&
                    set_number(dict, "stream_credit", protocol::kInitialCredit);
  return made ? std::move(dict) : nullptr;
}

Reference import_from(const std::string& pylib, const char* module) {
  if (!pylib.empty() && !prepend_path(pylib)) return nullptr;
  return steal(PyImport_ImportModule(module));
}

// The host's module. What it makes of classes and functions stays for good: the collector neither
// runs while that is made nor ever looks at it again.
Reference import_host(const std::string& pylib) {
  // A forked worker has it already.
  if (PyObject* module = PyDict_GetItemString(PyImport_GetModuleDict(), kHostModule)) {
    return share(module);
  }
  PyGC_Disable();
  Reference host = import_from(pylib, kHostModule);
  if (host) {
    const Reference gc = steal(PyImport_ImportModule("gc"));
    if (!gc || !steal(PyObject_CallMethod(gc.get(), "freeze", nullptr))) host = nullptr;
  }
  PyGC_Enable();
  return host;
}

// The exit status that a call returned. Whatever else came of the call is a defect of ours.
int exit_status(const Reference& result, const char* where) {
  if (result) {
    const long status = PyLong_AsLong(result.get());
    if (status != -1 || PyErr_Occurred() == nullptr) return static_cast<int>(status);
  }
  print_error(where);
  return kExitInternal;
}

}  // namespace

int serve(const protocol::Start& start, const std::string& pylib, ChannelIo& io,
          VitalsPage& vitals) {
  const Reference host = import_host(pylib);
  if (!host) {
    const ErrorText error = take_error();
    std::string text =
        std::string("cannot import ") + kHostModule + " from " + pylib + ": " + error.summary;
    if (!start.venv.empty()) {
      text += "; its requirements must be installed in the virtual environment " +
              std::string(start.venv) + ", or that made with --system-site-packages";
    }
    return report_start_failure(io, text, error.traceback);
  }
  const Reference channel = make_channel(io, vitals);
  const Reference settings = make_start(start);
  if (!channel || !settings) return exit_status(nullptr, "lambdapool-worker, before the host");
  return exit_status(
      steal(PyObject_CallMethod(host.get(), "serve", "OO", channel.get(), settings.get())),
      kHostModule);
}

std::string preload(const protocol::Start& start, const std::string& pylib, bool lambda, Say say) {
  const Reference host = import_host(pylib);
  if (!host) return std::string("cannot import ") + kHostModule + ": " + take_error().summary;
  const Reference settings = make_start(start);
  const Reference target = steal(PyCapsule_New(&say, nullptr, nullptr));
  const Reference function = target ? steal(PyCFunction_New(&kSay, target.get())) : nullptr;
  const Reference module = steal(PyImport_ImportModule(kPreloadModule));
  if (!settings || !function || !module) return take_error().summary;
  const Reference fault = steal(PyObject_CallMethod(module.get(), "preload", "OOO", settings.get(),
                                                    lambda ? Py_True : Py_False, function.get()));
  if (!fault) return take_error().summary;
  const char* text = PyUnicode_AsUTF8(fault.get());
  return text == nullptr ? take_error().summary : text;
}

Fork::Fork() { PyOS_BeforeFork(); }
void Fork::in_parent() const { PyOS_AfterFork_Parent(); }
void Fork::in_child() const { PyOS_AfterFork_Child(); }

int run_main(const char* module, std::span<const std::string> arguments, const std::string& pylib) {
  const Reference imported = import_from(pylib, module);
  const Reference list = steal(PyList_New(0));
  if (!imported || !list) return exit_status(nullptr, module);
  for (const std::string& argument : arguments) {
    const Reference text = make_text(argument);
    if (!text || PyList_Append(list.get(), text.get()) != 0) return exit_status(nullptr, module);
  }
  return exit_status(steal(PyObject_CallMethod(imported.get(), "main", "O", list.get())), module);
}

}  // namespace lambdapool::worker::python
