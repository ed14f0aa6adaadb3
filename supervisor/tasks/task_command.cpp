#include "supervisor/tasks/task_command.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "protocol/frame.h"
#include "supervisor/log/escape.h"
#include "supervisor/tasks/json_text.h"
#include "supervisor/tasks/memory_ledger.h"

namespace lambdapool::supervisor {
namespace {

constexpr TaskKey kOnly = 1;
constexpr Milliseconds kRedraw{100};
constexpr Milliseconds kLineEvery{5'000};
constexpr std::size_t kBarWidth = 40;

std::string counts_of(const TaskProgress& progress) {
  std::string text = std::to_string(progress.done + progress.failed) + "/" +
                     std::to_string(progress.total.value_or(0)) + " sub-tasks";
  if (progress.failed > 0) text += ", " + std::to_string(progress.failed) + " failed";
  return text;
}

}  // namespace

TaskCommand::TaskCommand(uv::Loop& loop, Log& log, const TasksConfig& config, TaskWorkers& workers,
                         TaskOrder order, std::function<void(int)> done)
    : config_(config),
      order_(std::move(order)),
      done_(std::move(done)),
      on_terminal_(isatty(STDERR_FILENO) == 1),
      runner_(loop, log, workers, config.concurrency, *this),
      show_(loop, [this] { show(); }) {}

void TaskCommand::start() {
  if (started_) return;
  started_ = true;
  runner_.add(kOnly, std::make_unique<TaskRun>(std::move(order_),
                                               std::make_unique<MemoryLedger>(config_.max_results),
                                               config_.max_subtasks));
  show();
}

void TaskCommand::cancel() {
  if (!done_) return;
  const auto run = runner_.cancel(kOnly);
  end_bar();
  std::fputs("cancelled", stderr);
  if (run && run->progress().total) {
    std::fprintf(stderr, " after %s", counts_of(run->progress()).c_str());
  }
  std::fputs("\n", stderr);
  std::exchange(done_, nullptr)(1);
}

void TaskCommand::show() {
  TaskRun* run = runner_.find(kOnly);
  if (run == nullptr) return;
  draw(run->progress());
  show_.start(kRedraw);
}

void TaskCommand::draw(const TaskProgress& progress) {
  std::string text = progress.total ? counts_of(progress) : "splitting";
  const auto now = std::chrono::steady_clock::now();
  if (!on_terminal_) {
    if (text == shown_ || now - shown_at_ < kLineEvery) return;
    shown_ = text;
    shown_at_ = now;
    std::fprintf(stderr, "%s\n", text.c_str());
    return;
  }
  if (progress.total && *progress.total > 0) {
    const std::size_t full =
        kBarWidth * (std::size_t{progress.done} + progress.failed) / *progress.total;
    text = "[" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "] " + text;
  }
  if (text == shown_) return;
  shown_ = text;
  std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
  std::fflush(stderr);
}

void TaskCommand::end_bar() {
  show_.stop();
  if (on_terminal_ && !shown_.empty()) std::fputs("\n", stderr);
}

void TaskCommand::on_run_over(TaskKey, std::unique_ptr<TaskRun> run) {
  shown_at_ = {};
  draw(run->progress());
  end_bar();
  if (!done_) return;
  if (run->progress().state != TaskState::kFinished) {
    const TaskError error = run->ledger().error().value_or(TaskError{});
    std::string detail;
    append_escaped(detail, error.detail);
    std::fprintf(stderr, "lambdapool: the task failed: %s\n", detail.c_str());
    return std::exchange(done_, nullptr)(1);
  }
  const auto& ledger = static_cast<const MemoryLedger&>(run->ledger());
  const std::string answer = ledger.answer(run->order().task_id) + "\n";
  const bool written = std::fwrite(answer.data(), 1, answer.size(), stdout) == answer.size() &&
                       std::fflush(stdout) == 0;
  if (!written) std::fprintf(stderr, "lambdapool: standard output: %s\n", std::strerror(errno));
  std::exchange(done_, nullptr)(written && run->progress().failed == 0 ? 0 : 1);
}

std::expected<std::string, std::string> read_task_content(const std::string& path) {
  const bool is_stdin = path == "-";
  const std::string name = is_stdin ? "standard input" : path;
  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stdin) std::fclose(file);
    }
  };
  const std::unique_ptr<std::FILE, Close> file(is_stdin ? stdin : std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) return std::unexpected(name + ": " + std::strerror(errno));
  std::string text;
  char piece[65536];
  for (std::size_t count = sizeof piece; count == sizeof piece;) {
    count = std::fread(piece, 1, sizeof piece, file.get());
    text.append(piece, count);
    if (text.size() > protocol::kMaxBodyBytes) {
      return std::unexpected(name + ": has more than 256 MiB, which no task may have");
    }
  }
  if (std::ferror(file.get()) != 0) return std::unexpected(name + ": " + std::strerror(errno));
  const auto value = parse_json(text);
  if (!value) {
    const JsonFault fault = find_json_fault(text);
    return std::unexpected(name + ":" + std::to_string(fault.line) + ":" +
                           std::to_string(fault.column) + ": " + fault.what +
                           "; it must hold the task's content, a JSON object");
  }
  if (value->kind != JsonKind::kObject) {
    return std::unexpected(name + ": must hold the task's content, a JSON object, not " +
                           std::string(kind_name(value->kind)));
  }
  return std::string(value->text);
}

}  // namespace lambdapool::supervisor
