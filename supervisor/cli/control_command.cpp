#include "supervisor/cli/control_command.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "supervisor/cli/control_client.h"
#include "supervisor/cli/status_text.h"
#include "supervisor/cli/table.h"
#include "supervisor/lines.h"

namespace lambdapool::supervisor {
namespace {

constexpr int kFailed = 1;

int complain(const std::string& text) {
  std::fprintf(stderr, "lambdapool: %s\n", text.c_str());
  return kFailed;
}

// False when nobody reads it any more.
bool print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

Json result_of(const Json& answer) {
  const Json* result = member(answer, "result");
  return result == nullptr ? Json() : *result;
}

// Over what was shown before: each line is cut to the terminal's width, so that it stays one line,
// and there are no more of them than fit.
std::string in_place(const std::string& text, const winsize& window) {
  std::string out = "\x1b[H";
  std::size_t rows = window.ws_row > 1 ? window.ws_row - std::size_t{1} : 1;
  for_each_line(text, [&](std::string_view line) {
    if (rows == 0) return;
    --rows;
    out.append(fit(line, window.ws_col)).append("\x1b[K\n");
  });
  return out + "\x1b[J";
}

std::string text_of(const ControlCommand& command, const Json& result) {
  struct Show {
    const Json& result;
    std::string operator()(const control::Status&) const { return status_text(result); }
    std::string operator()(const control::Scale&) const {
      return "workers: " + std::to_string(count_member(result, "before").value_or(0)) + " -> " +
             std::to_string(count_member(result, "workers").value_or(0)) + "\n";
    }
    std::string operator()(const control::Reload&) const {
      std::string text = "reloaded: generation " +
                         std::to_string(count_member(result, "generation").value_or(0)) + "\n";
      const Json* keys = member(result, "needs_restart");
      if (keys == nullptr || !keys->is_array()) return text;
      for (const Json& key : *keys) {
        if (key.is_string())
          text +=
              "changed in the configuration, but needs a restart: " + key.get<std::string>() + "\n";
      }
      return text;
    }
    std::string operator()(const control::Stop&) const { return "stopped\n"; }
    std::string operator()(const control::Stacks&) const { return stacks_text(result); }
    std::string operator()(const control::ListQuarantine&) const { return quarantine_text(result); }
    std::string operator()(const control::ClearQuarantine&) const {
      return "cleared: " + std::to_string(count_member(result, "cleared").value_or(0)) + "\n";
    }
    std::string operator()(const control::SetLogLevel&) const {
      return "log level: " + text_member(result, "before") + " -> " + text_member(result, "level") +
             "\n";
    }
  };
  return std::visit(Show{result}, command.request);
}

int watch(ControlClient& client, const ControlCommand& command) {
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  const std::string line = control_line(command.request);
  if (terminal) print("\x1b[2J");
  for (bool first = true;; first = false) {
    const auto answer = client.ask(line, command.timeout);
    if (!answer) return complain(answer.error());
    const auto object = parse_json(*answer);
    if (!bool_member(*object, "ok")) return complain(text_member(*object, "error"));
    const std::string text = command.json ? *answer + "\n" : status_text(result_of(*object));
    winsize window{};
    const bool known = terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0;
    const bool printed = known && window.ws_col > 0 && !command.json
                             ? print(in_place(text, window))
                             : print((first || command.json ? "" : "\n") + text);
    if (!printed) return kFailed;
    std::this_thread::sleep_for(command.watch.value_or(std::chrono::milliseconds{0}));
  }
}

}  // namespace

int run_control(const ControlCommand& command) {
  const auto path = command.socket ? std::expected<std::string, std::string>(*command.socket)
                                   : find_control_socket();
  if (!path) return complain(path.error());
  auto client = ControlClient::connect(*path);
  if (!client) return complain(client.error());
  if (command.watch) return watch(*client, command);

  const bool takes_its_time = std::holds_alternative<control::Reload>(command.request);
  if (takes_its_time) {
    // Whether anybody is there who could do it.
    const auto alive = client->ask(control_line(control::Status{}), command.timeout);
    if (!alive) return complain(alive.error());
  }
  const auto answer = client->ask(
      control_line(command.request),
      takes_its_time ? std::nullopt : std::optional<std::chrono::milliseconds>(command.timeout));
  if (!answer) return complain(answer.error());
  const auto object = parse_json(*answer);
  const bool done = bool_member(*object, "ok");
  const Json result = result_of(*object);
  if (done && std::holds_alternative<control::Stop>(command.request)) client->wait_for_end();
  if (command.check && done) {
    const std::string reasons = reasons_text(result);
    std::fputs(reasons.c_str(), stderr);
    if (command.json) print(*answer + "\n");
    return bool_member(result, "ready") ? 0 : kFailed;
  }
  if (command.json) {
    print(*answer + "\n");
    return done ? 0 : kFailed;
  }
  if (!done) return complain(text_member(*object, "error"));
  return print(text_of(command, result)) ? 0 : kFailed;
}

}  // namespace lambdapool::supervisor
