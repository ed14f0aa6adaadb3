// The program `lambdapool`: its arguments -> a command -> an exit code.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "protocol/allocator.h"
#include "supervisor/cli/command_line.h"
#include "supervisor/cli/control_command.h"
#include "supervisor/config/loader.h"
#include "supervisor/config/print.h"
#include "supervisor/health/service_manager.h"
#include "supervisor/http/request_id.h"
#include "supervisor/installation.h"
#include "supervisor/lines.h"
#include "supervisor/log/log.h"
#include "supervisor/supervisor.h"
#include "supervisor/tasks/task_command.h"

namespace {

using namespace lambdapool::supervisor;  // NOLINT(google-build-using-namespace): the program is
                                         // this namespace.

constexpr int kFailed = 1;
// sysexits.h's EX_CONFIG: starting again would not help, and the systemd unit does not.
constexpr int kWrongConfig = 78;

// As one or more lines.
void print_error(const std::string& text) {
  const std::string prefix(journal_prefix(LogLevel::kError));
  for_each_line(text, [&](std::string_view line) {
    std::fprintf(stderr, "%s%s\n", prefix.c_str(), std::string(line).c_str());
  });
}

int complain(const std::string& text) {
  print_error("lambdapool: " + text);
  return kFailed;
}

// Lines that begin with the place of the mistake, for editors to jump to.
int complain(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) print_error(line);
  return kFailed;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text.append(text.empty() ? "" : "; ").append(line);
  return text;
}

// Descriptors that whoever started us has closed would otherwise become those of files and sockets.
void open_standard_descriptors() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) < 0) open("/dev/null", O_RDWR);
  }
}

// Every connection and every worker takes descriptors; the usual soft limit of 1024 is for programs
// that use select(). Returns how many there may be.
std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

int serve(const ConfigSources& sources, std::optional<TaskOrder> order = std::nullopt) {
  const std::string manager = notify_socket();
  const auto config = load_config(sources);
  if (!config) {
    tell_failure(manager, joined(config.error()));
    complain(config.error());
    return kWrongConfig;
  }
  const auto installation = find_installation();
  if (!installation) return complain(installation.error());
  // What cannot be written, to a client that left or to a log file as large as files may be, is an
  // error of the write.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  lambdapool::protocol::keep_large_blocks();
  const std::uint64_t descriptors = raise_descriptor_limit();

  int exit_code = 0;
  std::expected<void, std::string> result;
  {
    const auto log = open_log(config->log);
    if (!log) {
      tell_failure(manager, log.error());
      return complain(log.error());
    }
    for (const std::string& remark : config->remarks) (*log)->warning(remark);
    Supervisor supervisor(*config, sources, *installation, **log, std::move(order));
    supervisor.fit_connections(descriptors);
    result = supervisor.run();
    exit_code = supervisor.exit_code();
  }
  if (result) return exit_code;
  tell_failure(manager, result.error());
  // After the log, so that it is the last line.
  return complain(result.error());
}

int run_task(const TaskRunCommand& command) {
  auto content = read_task_content(command.content);
  if (!content) return complain(content.error());
  TaskOrder order{.task_id = "1", .content = *std::move(content)};
  order.request_id = RequestIds().next();
  return serve(command.sources, std::move(order));
}

int print(const ConfigSources& sources) {
  const auto config = load_config(sources);
  if (!config) return complain(config.error());
  std::fputs(print_config(*config).c_str(), stdout);
  return 0;
}

// Becomes the worker program.
int run_tool(const ToolCommand& tool) {
  const auto installation = find_installation();
  if (!installation) return complain(installation.error());
  std::vector<std::string> arguments = {installation->worker_program, "tool"};
  arguments.insert(arguments.end(), tool.arguments.begin(), tool.arguments.end());
  std::vector<char*> raw;
  raw.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  execv(raw[0], raw.data());
  return complain(arguments[0] + ": " + std::strerror(errno));
}

int run(const std::vector<std::string>& arguments) {
  const auto command = parse_command_line(arguments);
  if (!command) {
    std::fputs(command.error().text.c_str(), stderr);
    return kUsageExitCode;
  }
  if (const auto* to_serve = std::get_if<ServeCommand>(&*command)) return serve(to_serve->sources);
  if (const auto* to_print = std::get_if<ConfigCommand>(&*command)) return print(to_print->sources);
  if (const auto* task = std::get_if<TaskRunCommand>(&*command)) return run_task(*task);
  if (const auto* tool = std::get_if<ToolCommand>(&*command)) return run_tool(*tool);
  if (const auto* to_control = std::get_if<ControlCommand>(&*command)) {
    return run_control(*to_control);
  }
  const auto& show = std::get<ShowText>(*command);
  std::fputs(show.text.c_str(), stdout);
  return show.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_descriptors();
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lambdapool: %s\n", error.what());
    return kFailed;
  }
}
