#include "supervisor/uv/process.h"

#include <linux/close_range.h>
#include <unistd.h>

#include <csignal>

#include "supervisor/uv/children.h"
#include "supervisor/uv/process_limit.h"

namespace lambdapool::supervisor::uv {

void KillThenClose::operator()(uv_process_t* child) const noexcept {
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(child)) == 0) {
    CloseHandle{}(child);
    return;
  }
  child->data = nullptr;
  ::kill(-child->pid, SIGKILL);
}

std::expected<std::unique_ptr<Process>, std::string> Process::spawn(Loop& loop,
                                                                    const SpawnOptions& options,
                                                                    Exited exited) {
  std::vector<char*> arguments;
  arguments.reserve(options.arguments.size() + 1);
  for (const std::string& argument : options.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  std::vector<uv_stdio_container_t> stdio(options.descriptors.size());
  for (std::size_t i = 0; i < stdio.size(); ++i) {
    const int descriptor = options.descriptors[i];
    stdio[i].flags = descriptor < 0 ? UV_IGNORE : UV_INHERIT_FD;
    stdio[i].data.fd = descriptor;
  }

  std::unique_ptr<Process> process(new Process(std::move(exited)));
  uv_process_options_t uv_options{};
  uv_options.file = arguments[0];
  uv_options.args = arguments.data();
  uv_options.flags = UV_PROCESS_DETACHED;
  uv_options.cwd = options.folder.empty() ? nullptr : options.folder.c_str();
  uv_options.stdio_count = static_cast<int>(stdio.size());
  uv_options.stdio = stdio.data();
  uv_options.exit_cb = [](uv_process_t* child, std::int64_t status, int signal) {
    Loop::of(child->loop).children().remove(child->pid);
    auto* self = static_cast<Process*>(child->data);
    if (self == nullptr) {
      CloseHandle{}(child);
      return;
    }
    self->running_ = false;
    self->exited_(status, signal);
  };
  // What whoever started us left open would otherwise reach every lambda.
  close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  // The handle is initialised even when spawning fails, and must be closed then, too.
  process->handle_.reset(new uv_process_t{});
  const int result = uv_spawn(loop.get(), process->handle_.get(), &uv_options);
  process->handle_->data = process.get();
  if (result != 0) {
    // The child reports one number, be it of the program or of the folder it was to start in.
    const bool is_folder = !options.folder.empty() && access(options.folder.c_str(), X_OK) != 0;
    return std::unexpected((is_folder ? options.folder : options.arguments[0]) + ": " +
                           uv_strerror(result) + (result == UV_EAGAIN ? kAllowMoreProcesses : ""));
  }
  process->pid_ = process->handle_->pid;
  loop.children().add(process->pid_);
  process->running_ = true;
  return process;
}

void Process::signal(int number) {
  if (running_) uv_process_kill(handle_.get(), number);
}

void Process::signal_group(int number) { ::kill(-pid_, number); }

}  // namespace lambdapool::supervisor::uv
