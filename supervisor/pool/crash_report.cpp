#include "supervisor/pool/crash_report.h"

#include <unistd.h>

#include <optional>

#include "protocol/vitals.h"
#include "supervisor/pool/sealed_memory.h"

namespace lambdapool::supervisor {
namespace {

struct Frame {
  std::string_view file;
  std::string_view line;
  std::string_view function;
};

// `  File "/srv/lambda_main.py", line 20 in boom`
std::optional<Frame> parse_frame(std::string_view text) {
  constexpr std::string_view kFile = "  File \"";
  constexpr std::string_view kLine = "\", line ";
  constexpr std::string_view kIn = " in ";
  if (!text.starts_with(kFile)) return std::nullopt;
  text.remove_prefix(kFile.size());
  const auto file_end = text.rfind(kLine);
  if (file_end == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(file_end + kLine.size());
  const auto line_end = rest.find(kIn);
  if (line_end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest.substr(0, line_end);
  if (line.empty() || line.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  return Frame{text.substr(0, file_end), line, rest.substr(line_end + kIn.size())};
}

std::string describe(std::string_view file, const Frame& frame) {
  return std::string(file) + ":" + std::string(frame.line) + " in " + std::string(frame.function);
}

}  // namespace

std::expected<std::unique_ptr<CrashReport>, std::string> CrashReport::create() {
  auto memory = make_sealed_memory("lambdapool-crash-report", protocol::kCrashReportBytes);
  if (!memory) return std::unexpected(memory.error());
  return std::unique_ptr<CrashReport>(new CrashReport(std::move(*memory)));
}

std::string CrashReport::read() const {
  std::string text(protocol::kCrashReportBytes, '\0');
  const ssize_t count = pread(memory_.get(), text.data(), text.size(), 0);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  if (const auto end = text.find('\0'); end != std::string::npos) text.resize(end);
  return text;
}

// Worker and supervisor share one file position, the worker's writes go on from the start.
void CrashReport::forget(std::size_t bytes) {
  const std::string zeros(bytes, '\0');
  if (pwrite(memory_.get(), zeros.data(), zeros.size(), 0) < 0) return;
  static_cast<void>(lseek(memory_.get(), 0, SEEK_SET));
}

std::string CrashReport::take() {
  std::string text = read();
  if (!text.empty()) forget(text.size());
  return text;
}

std::string CrashReport::take_unless_crash() {
  std::string text = read();
  if (!text.empty() && text.find(kFatalError) == std::string::npos) forget(text.size());
  return text;
}

std::string crash_place(std::string_view report, std::string_view lambda_root) {
  const std::string prefix = std::string(lambda_root) + "/";
  std::string innermost;
  bool in_crashed_thread = false;
  // With several threads the crashed one is the "Current thread"; the text of one thread may say
  // only "Thread".
  const bool names_current = report.find("Current thread 0x") != std::string_view::npos;
  while (!report.empty()) {
    const auto end = report.find('\n');
    const std::string_view line = report.substr(0, end);
    report.remove_prefix(end == std::string_view::npos ? report.size() : end + 1);
    if (line.starts_with("Current thread 0x") || line.starts_with("Thread 0x")) {
      if (in_crashed_thread) break;
      in_crashed_thread = line.starts_with("Current") || !names_current;
      continue;
    }
    if (!in_crashed_thread) continue;
    const auto frame = parse_frame(line);
    if (!frame) continue;
    if (frame->file.starts_with(prefix)) return describe(frame->file.substr(prefix.size()), *frame);
    if (innermost.empty()) innermost = describe(frame->file, *frame);
  }
  return innermost;
}

}  // namespace lambdapool::supervisor
