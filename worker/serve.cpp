#include "worker/serve.h"

#include <cstdio>
#include <string_view>
#include <vector>

#include "protocol/vitals.h"
#include "worker/channel/channel_io.h"
#include "worker/channel/vitals_page.h"
#include "worker/exit_status.h"
#include "worker/limits.h"
#include "worker/process.h"
#include "worker/pylib.h"
#include "worker/python/error.h"
#include "worker/python/host.h"
#include "worker/python/interpreter.h"
#include "worker/start_failure.h"
#include "worker/virtual_environment.h"
#include "worker/whose_code.h"

namespace lambdapool::worker {
namespace {

constexpr std::chrono::seconds kStartFrameLimit{10};

void print_line(const std::string& text) {
  std::fprintf(stderr, "lambdapool-worker: %s\n", text.c_str());
}

// The payload of the first frame.
std::string wait_start_payload(ChannelIo& io) {
  const auto payload = io.wait_frame(kStartFrameLimit);
  if (payload) return std::string(*payload);
  switch (payload.error()) {
    case WaitFrameError::kEnd:
      end_without_supervisor();
    case WaitFrameError::kTimeout:
      end_by_framing_error("no start frame within " + std::to_string(kStartFrameLimit.count()) +
                           " s");
    case WaitFrameError::kFraming:
      break;
  }
  end_by_framing_error("the first bytes are no frame");
}

int serve_lambda(const protocol::Start& start, ChannelIo& io, VitalsPage& vitals) {
  std::unique_ptr<python::Interpreter> own;
  if (!python::Interpreter::running()) {
    auto interpreter = start_interpreter(start);
    if (!interpreter) return report_start_failure(io, interpreter.error());
    own = std::move(*interpreter);
  }
  watch_deaths(vitals);
  if (!python::report_crashes_to(protocol::kCrashReportFd)) {
    const auto error = python::take_error();
    return report_start_failure(io, "faulthandler does not start: " + error.summary,
                                error.traceback);
  }
  const std::string pylib = start.pylib.empty() ? find_pylib() : std::string(start.pylib);
  end_process(python::serve(start, pylib, io, vitals));
}

int run_module(const char* module, std::span<const std::string> arguments,
               const std::string& pylib) {
  const auto interpreter = python::Interpreter::start(python::default_program());
  if (!interpreter) {
    print_line(interpreter.error());
    return kExitInternal;
  }
  return python::run_main(module, arguments, pylib);
}

}  // namespace

std::expected<std::unique_ptr<python::Interpreter>, std::string> start_interpreter(
    const protocol::Start& start) {
  if (start.venv.empty()) return python::Interpreter::start(python::default_program());
  const auto program = virtual_environment_program(std::string(start.venv), python::version());
  if (!program) return std::unexpected(program.error());
  return python::Interpreter::start(*program);
}

int serve() {
  if (const auto missing = missing_descriptors()) {
    print_line(*missing + "; this program is started by `lambdapool serve`, not by hand");
    return kExitUsage;
  }
  begin_worker();

  ChannelIo io(protocol::kChannelFd);
  const std::string payload = wait_start_payload(io);
  const auto message = protocol::decode_down(payload);
  if (!message) end_by_framing_error(message.error().text);
  const auto* start = std::get_if<protocol::Start>(&*message);
  if (start == nullptr) end_by_framing_error("the first message is not start");
  if (start->version != protocol::kVersion) {
    return report_start_failure(
        io, "the supervisor speaks protocol version " + std::to_string(start->version) +
                ", this worker version " + std::to_string(protocol::kVersion) +
                ": install lambdapool and lambdapool-worker from one build");
  }
  if (start->answer_memory > 0) {
    auto memory = io.take_descriptor();
    if (!memory) end_by_framing_error("a start whose memory has not come with it");
    if (memory->open()) io.use_answer_memory(std::move(*memory), start->answer_memory);
  }
  // A supervisor that died before prepare_process() sends no death signal, but leaves an
  // end-of-file.
  if (io.receive().state == ReceiveState::kEnd) end_without_supervisor();

  if (const auto limited = apply_limits(start->limits); !limited)
    return report_start_failure(io, limited.error());
  auto vitals = VitalsPage::map(protocol::kVitalsFd, start->window);
  if (!vitals) return report_start_failure(io, vitals.error());
  return serve_lambda(*start, io, *vitals);
}

int unpack(std::span<const std::string> arguments) {
  constexpr std::string_view kPylib = "pylib=";
  prepare_process();
  std::string pylib = find_pylib();
  std::vector<std::string> rest;
  for (const std::string& argument : arguments) {
    if (argument.starts_with(kPylib)) {
      pylib = argument.substr(kPylib.size());
    } else {
      rest.push_back(argument);
    }
  }
  return run_module("luna_lambda_tools.private.archive", rest, pylib);
}

int tool(std::span<const std::string> arguments) {
  return run_module("luna_lambda_tools.private.tools", arguments, find_pylib());
}

}  // namespace lambdapool::worker
