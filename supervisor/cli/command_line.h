// The program's arguments as a command; the only door to CLI11, with control_arguments.h.
//
// Values are not judged here: flags become settings, and the loader judges them together with the
// file's.
#pragma once

#include <expected>
#include <string>
#include <variant>
#include <vector>

#include "supervisor/cli/control_arguments.h"
#include "supervisor/config/loader.h"

namespace lambdapool::supervisor {

// Serve a lambda.
struct ServeCommand {
  ConfigSources sources;
};

// Check the configuration that `serve` would have with the same arguments, and print it.
struct ConfigCommand {
  ConfigSources sources;
};

// Run one task of a tasks lambda and print what its sub-tasks came to.
struct TaskRunCommand {
  ConfigSources sources;
  std::string content;  // The file of the task's content; "-" is standard input.
};

// Have the worker program do something for a lambda's author: the tool's name and its arguments as
// they were given.
struct ToolCommand {
  std::vector<std::string> arguments;
};

// Print a text on standard output and exit.
struct ShowText {
  std::string text;
  int exit_code = 0;
};

using Command = std::variant<ServeCommand, ConfigCommand, TaskRunCommand, ToolCommand,
                             ControlCommand, ShowText>;

inline constexpr int kUsageExitCode = 2;

// Whole lines for people, to be printed on standard error before exiting with kUsageExitCode.
struct UsageError {
  std::string text;
};

// `arguments` are those after the program's name.
std::expected<Command, UsageError> parse_command_line(const std::vector<std::string>& arguments);

}  // namespace lambdapool::supervisor
