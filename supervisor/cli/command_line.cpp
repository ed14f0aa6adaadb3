#include "supervisor/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "supervisor/config/nearest.h"
#include "supervisor/config/schema.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

// Flags that are another way to write a key.
struct Flag {
  std::string_view name;
  std::string_view key;
  std::string_view value;  // What its value is called in the help.
  std::string_view doc;
};

constexpr std::array kFlags = {
    Flag{"--host", "server.host", "HOST", "The address to listen on."},
    Flag{"--port", "server.port", "PORT", "The TCP port; 0 picks a free one."},
    Flag{"--workers", "pool.workers", "N", "Worker processes."},
    Flag{"--concurrency", "pool.concurrency", "N", "Requests that a worker runs at a time."},
    Flag{"--venv", "lambda.venv", "DIR", "A virtual environment with the lambda's packages."},
    Flag{"--log-level", "log.level", "LEVEL", "debug, info, warning or error."},
    Flag{"--log-format", "log.format", "FORMAT", "text or json."},
};

// Commands that the worker program carries out, because they read Python.
struct Tool {
  std::string_view name;
  std::string_view doc;
};

constexpr std::array kTools = {
    Tool{"validate", "Check a lambda without running it."},
    Tool{"new", "Make a folder with a lambda to begin with."},
    Tool{"pack", "Make the zip archive of a lambda's folder."},
};

constexpr std::string_view kExamples = R"(Examples:
  lambdapool serve examples/hello
  lambdapool serve lambda.zip --workers 4 --port 9000
  lambdapool serve --config lambdapool.yml --set pool.request_timeout=2m
  lambdapool config --config lambdapool.yml
  lambdapool task run examples/tasks content.json --workers 4
  lambdapool new my_lambda
  lambdapool serve my_lambda --reload
  lambdapool pack my_lambda
  lambdapool status --watch

`lambdapool COMMAND --help` says more about a command.)";

constexpr std::string_view kServeExamples =
    R"(When it is ready it prints `listening on http://HOST:PORT`. SIGTERM finishes what runs and stops.
What comes later on the command line wins, and all of it wins over the file.

Examples:
  lambdapool serve examples/hello
  lambdapool serve lambda.zip --workers 4 --host 0.0.0.0
  lambdapool serve lambda.zip --port 0 --log-format json
  lambdapool serve --config lambdapool.yml --set server.max_body=10MiB)";

constexpr std::string_view kConfigExamples =
    R"(Exits with 0 when the configuration is valid, and with 1 when it is not.

Examples:
  lambdapool config > lambdapool.yml
  lambdapool config --config lambdapool.yml --set pool.workers=4)";

constexpr std::string_view kTaskExamples =
    R"(Splits the task, runs its sub-tasks on workers that end with it, shows how far it is on standard
error and prints the result as JSON. Exits with 0 when every sub-task has a result, with 1 when some
have failed or the task has. Ctrl-C cancels it. The log has warnings and errors only, unless told
otherwise.

Examples:
  lambdapool task run examples/tasks content.json --workers 4
  echo '{"texts": ["one two"]}' | lambdapool task run examples/tasks -)";

// A command's options as CLI11 has them, and where each one's values go.
struct CommandOptions {
  CLI::App* app = nullptr;
  std::string name;
  CLI::Option* path = nullptr;
  CLI::Option* content = nullptr;  // Of `task run` only.
  CLI::Option* config = nullptr;
  CLI::Option* set = nullptr;
  CLI::Option* reload = nullptr;
  std::map<const CLI::Option*, Flag> flags;
};

CLI::Option* add_option(CLI::App& app, std::string_view name, const std::string& doc,
                        std::string_view value) {
  return app.add_option(std::string(name))
      ->description(doc)
      ->option_text(std::string(value))
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

CommandOptions add_command(CLI::App& root, const std::string& name, const std::string& doc,
                           std::string_view footer) {
  CommandOptions command;
  command.name = name;
  command.app = root.add_subcommand(name.substr(name.rfind(' ') + 1), doc);
  command.app->footer(std::string(footer))->allow_extras()->group("Commands");
  command.path = add_option(*command.app, "PATH", "The lambda: a zip archive or a folder.", " ");
  command.path->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  command.config =
      add_option(*command.app, "--config", "A YAML file; `lambdapool config` prints one.", "FILE");
  const bool serves = name != "task run";
  for (const Flag& flag : kFlags) {
    const Key& key = *find_key(flag.key);
    if (!serves && key.section() == "server") continue;
    std::string text(flag.doc);
    if (!key.default_text.empty()) text += " Default: " + std::string(key.default_text) + ".";
    command.flags.emplace(add_option(*command.app, flag.name, text, flag.value), flag);
  }
  if (serves) {
    command.reload =
        command.app->add_flag("--reload")
            ->description("Replace the workers when a file of the lambda changes, for developing.");
  }
  command.set = add_option(*command.app, "--set", "Any key of the configuration; may be repeated.",
                           "KEY=VALUE");
  return command;
}

UsageError usage_error(std::string text, const std::string& command = "") {
  return {"lambdapool: " + std::move(text) + "\nTry `lambdapool " +
          (command.empty() ? "" : command + " ") + "--help`.\n"};
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
  const auto meant = nearest(word, known);
  return meant ? "; did you mean '" + std::string(*meant) + "'?" : "";
}

bool is_control_command(std::string_view name) {
  return std::ranges::find(control_commands(), name, &ControlCommandDoc::name) !=
         control_commands().end();
}

bool is_flag(std::string_view argument) { return argument.size() > 1 && argument.starts_with('-'); }

// The first argument that nobody took; the mark after which all are positional is nobody's.
std::optional<std::string> first_unknown(const CLI::App& app) {
  const auto unknown = app.remaining();
  const auto found = std::ranges::find_if(unknown, [](const std::string& a) { return a != "--"; });
  return found == unknown.end() ? std::nullopt : std::optional(*found);
}

// What CLI11 lets pass: `--flag=` takes the next argument for its value.
std::optional<UsageError> find_empty_value(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      return usage_error(in_quotes(argument) + " has no value");
    }
  }
  return std::nullopt;
}

UsageError unexpected_at_root(const std::string& argument) {
  std::vector<std::string_view> commands = {"serve", "config", "task"};
  for (const Tool& tool : kTools) commands.push_back(tool.name);
  for (const ControlCommandDoc& command : control_commands()) commands.push_back(command.name);
  constexpr std::array<std::string_view, 2> kRootFlags = {"--help", "--version"};
  if (!is_flag(argument)) {
    const std::string meant = suggestion(argument, commands);
    return usage_error("unknown command " + in_quotes(argument) +
                       (meant.empty() ? "; `lambdapool --help` lists the commands" : meant));
  }
  const std::string name = argument.substr(0, argument.find('='));
  if (name == "--set" || name == "--config" ||
      std::ranges::find(kFlags, name, &Flag::name) != kFlags.end()) {
    return usage_error(name + " comes after the command, as in `lambdapool serve PATH " + name +
                       " ...`");
  }
  return usage_error("unknown flag " + in_quotes(argument) + suggestion(name, kRootFlags));
}

UsageError unexpected_in(const std::string& command, const std::string& argument) {
  if (!is_flag(argument)) {
    return usage_error("unexpected argument " + in_quotes(argument) +
                           (command == "task run" ? "; there may be one PATH and one CONTENT"
                                                  : "; there may be one PATH"),
                       command);
  }
  std::vector<std::string_view> known = {"--config", "--set", "--reload", "--help"};
  for (const Flag& flag : kFlags) known.push_back(flag.name);
  const std::string name = argument.substr(0, argument.find('='));
  return usage_error("unknown flag " + in_quotes(argument) + suggestion(name, known), command);
}

// What was given, in its order.
std::expected<ConfigSources, UsageError> read_sources(const CommandOptions& command) {
  const std::string& name = command.name;
  ConfigSources sources;
  std::map<const CLI::Option*, std::size_t> taken;
  for (const CLI::Option* option : command.app->parse_order()) {
    const std::string& value = option->results().at(taken[option]++);
    if (option == command.content) continue;
    if (option == command.reload) {
      sources.sets.push_back({"--reload", "lambda.reload", value});
      continue;
    }
    if (option != command.path && value.starts_with("--")) {
      return std::unexpected(usage_error(
          option->get_name() + " needs a value, and " + in_quotes(value) + " follows it", name));
    }
    if (option == command.config) {
      sources.file = value;
    } else if (option == command.path) {
      sources.sets.push_back({"PATH " + in_quotes(value), "lambda.path", value});
    } else if (option == command.set) {
      auto setting = parse_set(value);
      if (!setting) return std::unexpected(usage_error(std::move(setting).error(), name));
      sources.sets.push_back(*std::move(setting));
    } else {
      const Flag& flag = command.flags.at(option);
      std::string origin(flag.name);
      origin += ' ';
      append_escaped(origin, clipped(value, 200));
      sources.sets.push_back({std::move(origin), std::string(flag.key), value});
    }
  }
  return sources;
}

std::expected<Command, UsageError> serve_command(ConfigSources sources) {
  const bool has_path = std::ranges::count(sources.sets, "lambda.path", &Setting::key) > 0;
  if (!has_path && !sources.file) {
    return std::unexpected(
        usage_error("serve what? Give the PATH of a lambda, a zip archive or a folder", "serve"));
  }
  sources.lambda_path = LambdaPath::kRequired;
  return ServeCommand{std::move(sources)};
}

std::expected<Command, UsageError> task_run_command(const CommandOptions& command,
                                                    ConfigSources sources) {
  if (command.content->count() == 0) {
    return std::unexpected(
        usage_error("run what? Give the PATH of a tasks lambda and the JSON file with the task's "
                    "content, or - for standard input",
                    command.name));
  }
  sources.lambda_path = LambdaPath::kRequired;
  sources.defaults.push_back({"task run", "log.level", "warning"});
  return TaskRunCommand{std::move(sources), command.content->as<std::string>()};
}

}  // namespace

std::expected<Command, UsageError> parse_command_line(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && std::ranges::find(kTools, arguments[0], &Tool::name) != kTools.end()) {
    return ToolCommand{arguments};
  }
  if (auto error = find_empty_value(arguments)) return std::unexpected(*std::move(error));
  if (!arguments.empty() && is_control_command(arguments[0])) {
    auto parsed = parse_control_arguments(arguments);
    if (!parsed) return std::unexpected(usage_error(parsed.error(), arguments[0]));
    if (auto* help = std::get_if<ControlHelp>(&*parsed)) return ShowText{std::move(help->text), 0};
    return std::get<ControlCommand>(*std::move(parsed));
  }

  CLI::App root("Hosts LUNA lambdas: serves one over HTTP from a pool of worker processes.",
                "lambdapool");
  root.set_version_flag("--version", "lambdapool " LAMBDAPOOL_VERSION);
  root.get_option("--version")->description("Print the version and exit.");
  root.set_help_flag("-h,--help", "Print this help and exit.");
  root.get_formatter()->label("SUBCOMMAND", "COMMAND");
  root.footer(std::string(kExamples))->allow_extras()->require_subcommand(0, 1);
  const CommandOptions serve = add_command(root, "serve", "Serve a lambda.", kServeExamples);
  const CommandOptions config = add_command(
      root, "config", "Check a configuration and print it, with every key.", kConfigExamples);
  for (const ControlCommandDoc& command : control_commands()) {
    root.add_subcommand(std::string(command.name), std::string(command.doc))->group("Steering");
  }
  CLI::App* task = root.add_subcommand("task", "Run a task of a tasks lambda.");
  task->allow_extras()->require_subcommand(0, 1)->group("Commands");
  CommandOptions task_run =
      add_command(*task, "task run", "Run one task and print its results.", kTaskExamples);
  task_run.path->description("The tasks lambda: a zip archive or a folder.");
  task_run.content = add_option(*task_run.app, "CONTENT",
                                "The task's content: a file with a JSON object, or -.", " ")
                         ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  for (const Tool& tool : kTools) {
    root.add_subcommand(std::string(tool.name), std::string(tool.doc))->group("Commands");
  }

  try {
    root.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return ShowText{root.help(), 0};
  } catch (const CLI::CallForVersion& version) {
    return ShowText{std::string(version.what()) + "\n", 0};
  } catch (const CLI::ArgumentMismatch&) {
    return std::unexpected(usage_error(in_quotes(arguments.back()) + " needs a value"));
  } catch (const CLI::ParseError& error) {
    return std::unexpected(usage_error(error.what()));
  }

  if (const auto unknown = first_unknown(root))
    return std::unexpected(unexpected_at_root(*unknown));
  for (const CommandOptions* command : {&serve, &config}) {
    if (!root.got_subcommand(command->app)) continue;
    auto sources = read_sources(*command);
    if (!sources) return std::unexpected(std::move(sources).error());
    if (const auto unknown = first_unknown(*command->app)) {
      return std::unexpected(unexpected_in(command->name, *unknown));
    }
    if (command == &serve) return serve_command(*std::move(sources));
    return ConfigCommand{*std::move(sources)};
  }
  if (root.got_subcommand(task)) {
    if (!task->got_subcommand(task_run.app)) {
      return std::unexpected(
          usage_error("to run a task: lambdapool task run PATH CONTENT", "task"));
    }
    auto sources = read_sources(task_run);
    if (!sources) return std::unexpected(std::move(sources).error());
    if (const auto unknown = first_unknown(*task_run.app)) {
      return std::unexpected(unexpected_in(task_run.name, *unknown));
    }
    return task_run_command(task_run, *std::move(sources));
  }
  return std::unexpected(usage_error("no command; to serve a lambda: lambdapool serve PATH"));
}

}  // namespace lambdapool::supervisor
