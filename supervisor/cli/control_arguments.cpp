#include "supervisor/cli/control_arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>

#include "supervisor/config/nearest.h"
#include "supervisor/config/values.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr std::array kCommands = {
    ControlCommandDoc{"status", "Show what a running supervisor does."},
    ControlCommandDoc{"scale", "Change the number of its workers."},
    ControlCommandDoc{"reload", "Load the lambda anew, and wait until it serves."},
    ControlCommandDoc{"stop", "Stop it, and wait until it has stopped."},
    ControlCommandDoc{"stacks", "Show where the Python code of every worker is."},
    ControlCommandDoc{"quarantine", "Show or clear the requests that are not let through."},
    ControlCommandDoc{"log-level", "Change what it logs."},
};

// What each help ends with.
std::string footer(std::string_view command) {
  constexpr std::string_view kExit =
      "\nExits with 0 when it is done, with 1 and the reason when it is refused, fails or gets no "
      "answer, and\nwith 2 when it is called in a wrong way.";
  std::string_view text;
  if (command == "status") {
    text =
        "RUNNING is how many requests a worker holds, OLDEST the age of the oldest of them, ENDS "
        "how "
        "often\na worker of that number has come to an end, by reason.\n\nExamples:\n"
        "  lambdapool status\n"
        "  lambdapool status --watch --interval 500ms\n"
        "  lambdapool status --json | jq .result.workers\n"
        "  lambdapool status --check        # for health checks: 0 when it is ready, else 1\n";
  } else if (command == "scale") {
    text = "Fewer workers finish what they run first.\n\nExample:\n  lambdapool scale 4\n";
  } else if (command == "reload") {
    text =
        "New workers are ready before the old ones go. A lambda that does not start changes "
        "nothing: the\nreason is printed, and the old one serves on.\n";
  } else if (command == "stop") {
    text =
        "Requests that run are finished within pool.grace. With --now they are not waited for.\n";
  } else if (command == "stacks") {
    text = "Workers whose loop is blocked answer as well.\n";
  } else if (command == "quarantine") {
    text =
        "A request that has killed several workers is answered at once, without one.\n\nExamples:\n"
        "  lambdapool quarantine list\n  lambdapool quarantine clear\n";
  } else {
    text =
        "Of the supervisor and of the workers that run, until the next start. A lambda that has "
        "set "
        "the level of\nits logger keeps it.\n\nExample:\n"
        "  lambdapool log-level debug\n";
  }
  return std::string(text) + std::string(kExit);
}

std::expected<ControlRequest, std::string> request_of(const std::string& command,
                                                      const std::string& argument, bool now) {
  if (command == "status") return control::Status{};
  if (command == "reload") return control::Reload{};
  if (command == "stop") return control::Stop{now};
  if (command == "stacks") return control::Stacks{};
  if (command == "scale") {
    std::uint32_t workers = 0;
    const char* const last = argument.data() + argument.size();
    const auto [end, error] = std::from_chars(argument.data(), last, workers);
    if (argument.empty() || error != std::errc{} || end != last || workers < 1 ||
        workers > kMaxWorkers) {
      return std::unexpected("N must be a whole number from 1 to " + std::to_string(kMaxWorkers) +
                             (argument.empty() ? "" : ", not " + in_quotes(argument)));
    }
    return control::Scale{workers};
  }
  if (command == "quarantine") {
    if (argument == "list") return control::ListQuarantine{};
    if (argument == "clear") return control::ClearQuarantine{};
    return std::unexpected("quarantine what? list or clear");
  }
  const auto level = parse_log_level(argument);
  if (!level) return std::unexpected("LEVEL " + level.error());
  return control::SetLogLevel{*level};
}

std::string_view argument_of(std::string_view command) {
  if (command == "scale") return "N";
  if (command == "quarantine") return "ACTION";
  if (command == "log-level") return "LEVEL";
  return {};
}

std::string_view argument_doc(std::string_view command) {
  if (command == "scale") return "How many workers there shall be, 1 to 1024.";
  if (command == "quarantine") return "list or clear.";
  return "debug, info, warning or error.";
}

}  // namespace

std::span<const ControlCommandDoc> control_commands() { return kCommands; }

std::expected<ControlArguments, std::string> parse_control_arguments(
    const std::vector<std::string>& arguments) {
  const std::string& command = arguments.front();
  const auto& doc = *std::ranges::find(kCommands, command, &ControlCommandDoc::name);
  CLI::App app(std::string(doc.doc), "lambdapool " + command);
  app.set_help_flag("-h,--help", "Print this help and exit.");
  app.footer(footer(command))->allow_extras();

  ControlCommand parsed;
  std::string argument;
  std::string interval;
  std::string timeout;
  bool watch = false;
  bool now = false;
  std::string socket;
  CLI::Option* positional = nullptr;
  if (const auto name = argument_of(command); !name.empty()) {
    positional = app.add_option(std::string(name), argument, std::string(argument_doc(command)))
                     ->option_text(" ");
  }
  const auto* socket_option =
      app.add_option("--socket", socket,
                     "The control socket; needed only when several supervisors run.")
          ->option_text("PATH");
  auto* const timeout_option =
      app.add_option("--timeout", timeout,
                     "How long to wait for an answer; the end of a reload or stop is not bounded "
                     "by it. Default: 5s.")
          ->option_text("TIME");
  app.add_flag("--json", parsed.json, "Print the answer as it is, one line of JSON.");
  CLI::Option* interval_option = nullptr;
  if (command == "status") {
    app.add_flag("--watch", watch, "Show it again and again, in place.");
    interval_option = app.add_option("--interval", interval, "How often with --watch. Default: 1s.")
                          ->option_text("TIME");
    app.add_flag("--check", parsed.check, "Print nothing but why it is not ready.");
  }
  if (command == "stop") app.add_flag("--now", now, "Do not wait for running requests.");

  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend() - 1));
  } catch (const CLI::CallForHelp&) {
    return ControlHelp{app.help()};
  } catch (const CLI::ParseError& error) {
    return std::unexpected(error.what());
  }
  if (const auto unknown = app.remaining(); !unknown.empty()) {
    const std::string& word = unknown.front();
    if (!word.starts_with("-")) return std::unexpected("unexpected argument " + in_quotes(word));
    std::vector<std::string_view> known = {"--socket", "--json", "--timeout", "--help"};
    if (command == "status") known.insert(known.end(), {"--watch", "--interval", "--check"});
    if (command == "stop") known.push_back("--now");
    const auto meant = nearest(word.substr(0, word.find('=')), known);
    return std::unexpected("unknown flag " + in_quotes(word) +
                           (meant ? "; did you mean '" + std::string(*meant) + "'?" : ""));
  }
  if (socket_option->count() > 0) parsed.socket = socket;
  if (timeout_option->count() > 0) {
    const auto time = parse_duration(timeout);
    if (!time || time->count() == 0) {
      return std::unexpected("--timeout must be a time of at least 1ms, as in 2s, not " +
                             in_quotes(timeout));
    }
    parsed.timeout = *time;
  }
  if (interval_option != nullptr && interval_option->count() > 0 && !watch) {
    return std::unexpected("--interval needs --watch");
  }
  if (watch) {
    constexpr Milliseconds kShortest{100};
    constexpr Milliseconds kDefault{1'000};
    parsed.watch = kDefault;
    if (interval_option->count() > 0) {
      const auto time = parse_duration(interval);
      if (!time || *time < kShortest) {
        return std::unexpected("--interval must be a time of at least 100ms, as in 2s, not " +
                               in_quotes(interval));
      }
      parsed.watch = *time;
    }
    if (parsed.check) return std::unexpected("--watch and --check exclude each other");
  }
  if (positional != nullptr && positional->count() == 0) argument.clear();
  auto request = request_of(command, argument, now);
  if (!request) return std::unexpected(request.error());
  parsed.request = *std::move(request);
  return parsed;
}

}  // namespace lambdapool::supervisor
