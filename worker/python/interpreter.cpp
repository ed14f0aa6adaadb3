#include "worker/python/interpreter.h"

#include <csignal>

#include "worker/python/channel_type.h"
#include "worker/python/error.h"
#include "worker/python/reference.h"
#include "worker/python/text.h"

namespace lambdapool::worker::python {
namespace {

#define LAMBDAPOOL_TEXT(value) #value
#define LAMBDAPOOL_VERSION_TEXT(major, minor) LAMBDAPOOL_TEXT(major) "." LAMBDAPOOL_TEXT(minor)
constexpr std::string_view kBuiltFor = LAMBDAPOOL_VERSION_TEXT(PY_MAJOR_VERSION, PY_MINOR_VERSION);

class Config {
 public:
  Config() { PyConfig_InitIsolatedConfig(&config_); }
  ~Config() { PyConfig_Clear(&config_); }
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  PyConfig* operator->() { return &config_; }
  PyStatus set(wchar_t** option, const char* value) {
    return PyConfig_SetBytesString(&config_, option, value);
  }
  PyStatus append_argument(const wchar_t* value) {
    return PyWideStringList_Append(&config_.argv, value);
  }
  PyStatus initialize() { return Py_InitializeFromConfig(&config_); }

 private:
  PyConfig config_{};
};

PyStatus preinitialize() {
  PyPreConfig config;
  PyPreConfig_InitIsolatedConfig(&config);
  config.utf8_mode = 1;
#ifdef __SANITIZE_ADDRESS__
  // So that the sanitizer sees each block; the isolated configuration ignores PYTHONMALLOC.
  config.allocator = PYMEM_ALLOCATOR_MALLOC;
#endif
  return Py_PreInitialize(&config);
}

PyStatus initialize(const std::string& program) {
  if (PyStatus status = preinitialize(); PyStatus_Exception(status)) return status;
  Config config;
  config->parse_argv = 0;
  config->install_signal_handlers = 0;
  config->user_site_directory = 0;
  config->safe_path = 1;
  config->write_bytecode = 1;
  config->pathconfig_warnings = 0;
  for (const auto& [option, value] : {std::pair{&config->program_name, program.c_str()},
                                      std::pair{&config->stdio_encoding, "utf-8"},
                                      std::pair{&config->stdio_errors, "backslashreplace"}}) {
    if (PyStatus status = config.set(option, value); PyStatus_Exception(status)) return status;
  }
  if (PyStatus status = config.append_argument(L"lambdapool-worker"); PyStatus_Exception(status))
    return status;
  return config.initialize();
}

// A print() should be in the log when it returns. Python itself does this for terminals only.
bool buffer_by_lines() {
  const Reference arguments = steal(PyTuple_New(0));
  const Reference options = steal(Py_BuildValue("{s:O}", "line_buffering", Py_True));
  if (!arguments || !options) return false;
  for (const char* name : {"stdout", "stderr"}) {
    PyObject* stream = PySys_GetObject(name);  // Borrowed; None where the descriptor is closed.
    if (stream == nullptr || stream == Py_None) continue;
    const Reference reconfigure = steal(PyObject_GetAttrString(stream, "reconfigure"));
    if (!reconfigure) return false;
    if (!steal(PyObject_Call(reconfigure.get(), arguments.get(), options.get()))) return false;
  }
  return true;
}

// The `signal` module, which asyncio imports, would make a KeyboardInterrupt of SIGINT, in whatever
// code runs just then.
bool leave_interrupt_alone() {
  const Reference module = steal(PyImport_ImportModule("signal"));
  return module && steal(PyObject_CallMethod(module.get(), "signal", "ii", SIGINT, 0)) !=
                       nullptr;  // 0: SIG_DFL.
}

// Calls module.function(*arguments, **options).
bool call_with_options(PyObject* module, const char* function, const Reference& arguments,
                       const Reference& options) {
  if (!arguments || !options) return false;
  const Reference callable = steal(PyObject_GetAttrString(module, function));
  return callable &&
         steal(PyObject_Call(callable.get(), arguments.get(), options.get())) != nullptr;
}

}  // namespace

std::expected<std::unique_ptr<Interpreter>, std::string> Interpreter::start(
    const std::string& program) {
  if (version() != kBuiltFor) {
    return std::unexpected("this worker was built for Python " + std::string(kBuiltFor) +
                           ", but is run by Python " + std::string(version()) +
                           ": build lambdapool again");
  }
  if (PyImport_AppendInittab("_lambdapool", &make_lambdapool_module) != 0) {
    return std::unexpected("cannot register the _lambdapool module");
  }
  if (const PyStatus status = initialize(program); PyStatus_Exception(status)) {
    const std::string where = status.func == nullptr ? "" : std::string(status.func) + ": ";
    return std::unexpected("Python does not start as " + program + ": " + where +
                           (status.err_msg == nullptr ? "no reason given" : status.err_msg));
  }
  std::unique_ptr<Interpreter> interpreter(new Interpreter);
  if (!buffer_by_lines())
    return std::unexpected("Python's standard streams: " + take_error().summary);
  if (!leave_interrupt_alone()) return std::unexpected("Python's signals: " + take_error().summary);
  return interpreter;
}

Interpreter::~Interpreter() { Py_FinalizeEx(); }

bool Interpreter::running() { return Py_IsInitialized() != 0; }

std::string default_program() { return LAMBDAPOOL_PYTHON_PROGRAM; }

std::string_view version() {
  static const std::string kText = [] {
    const std::string_view full = Py_GetVersion();  // Such as "3.11.2 (main, ...".
    return std::string(full.substr(0, full.find('.', full.find('.') + 1)));
  }();
  return kText;
}

bool prepend_path(std::string_view folder) {
  PyObject* path = PySys_GetObject("path");  // Borrowed.
  const Reference entry = make_text(folder);
  return path != nullptr && entry && PyList_Insert(path, 0, entry.get()) == 0;
}

bool report_crashes_to(int fd) {
  const Reference module = steal(PyImport_ImportModule("faulthandler"));
  if (!module) return false;
  return call_with_options(module.get(), "enable", steal(PyTuple_New(0)),
                           steal(Py_BuildValue("{s:i,s:O}", "file", fd, "all_threads", Py_True))) &&
         call_with_options(module.get(), "register", steal(Py_BuildValue("(i)", SIGUSR2)),
                           steal(Py_BuildValue("{s:i,s:O,s:O}", "file", fd, "all_threads", Py_True,
                                               "chain", Py_False)));
}

}  // namespace lambdapool::worker::python
