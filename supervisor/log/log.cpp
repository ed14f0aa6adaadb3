#include "supervisor/log/log.h"

#include <pthread.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <thread>
#include <utility>

#include "supervisor/lines.h"
#include "supervisor/log/line.h"
#include "supervisor/log/line_backlog.h"
#include "supervisor/log/log_target.h"

namespace lambdapool::supervisor {
namespace {

using Clock = std::chrono::steady_clock;

// What passes through it only wakes the thread; the lines wait in the backlog.
constexpr std::size_t kQueueLength = 4;
constexpr std::chrono::seconds kCloseLimit{2};
// So much is written at a time.
constexpr std::size_t kBatchBytes = std::size_t{32} << 10;
// How long the thread lets lines gather: waking it for every line would cost the loop's thread more
// than the line itself does, and a thread that is not waiting needs no waking.
constexpr std::chrono::milliseconds kGather{5};

// By level: sd-daemon's.
constexpr std::array<std::string_view, 4> kJournalPrefixes = {"<7>", "<6>", "<4>", "<3>"};

std::string_view prefix_of(LogLevel level) {
  return kJournalPrefixes.at(static_cast<std::size_t>(level));
}

// How records become lines.
struct LineStyle {
  LogFormat format;
  bool for_journal;

  void append(std::string& out, const LogRecord& record) const {
    if (!for_journal) return append_line(out, format, record);
    std::string lines;
    append_line(lines, format, record);
    // To the journal each line is a record of its own.
    std::string_view before;
    for_each_line(lines, [&](std::string_view line) {
      out.append(before).append(prefix_of(record.level)).append(line);
      before = "\n";
    });
  }
};

// Writes the lines. All but `failed` and `give_up_at` happens on the log's thread.
class LineWriter final : public spdlog::sinks::sink {
 public:
  LineWriter(std::unique_ptr<LogTarget> target, LineStyle style, LineBacklog& backlog)
      : target_(std::move(target)), style_(style), backlog_(backlog) {}

  // The thread has been woken.
  void log(const spdlog::details::log_msg&) override {
    do {
      std::this_thread::sleep_for(kGather);
      obey();
    } while (!backlog_.rest());
  }

  void flush() override {
    if (waiting_.empty()) return;
    const auto written = target_->write(waiting_);
    if (!written) {
      const std::string_view rest =
          std::string_view(waiting_).substr(waiting_.size() - written.error().bytes);
      // Where the file breaks off now; with nothing written it is where it was.
      const bool moved = rest.size() < waiting_.size();
      const bool mends = in_a_line_ && !moved;
      if (moved) in_a_line_ = waiting_[waiting_.size() - rest.size() - 1] != '\n';
      failed_ += static_cast<std::uint64_t>(std::ranges::count(rest, '\n')) - (mends ? 1 : 0);
      reason_ = written.error().reason;
      // The next line must not go on where this one breaks off.
      waiting_ = in_a_line_ ? "\n" : "";
      return;
    }
    waiting_.clear();
    in_a_line_ = false;
  }

  // The thread's last act.
  void finish() {
    obey();
    report_lost();
    flush();
  }

  // From any thread.
  std::uint64_t failed() const { return failed_; }
  void give_up_at(Clock::time_point time) { target_->give_up_at(time); }

  // Lines come formatted.
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  void obey() {
    const auto orders = backlog_.take();
    report_lost();
    for (std::size_t i = 0; i < orders.lines.size(); ++i) {
      if (i == orders.reopen_before) reopen();
      waiting_.append(orders.lines[i]).append("\n");
      if (waiting_.size() >= kBatchBytes) flush();
    }
    flush();
    if (orders.reopen_before == orders.lines.size()) reopen();
  }

  void add(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
    style_.append(waiting_, {std::chrono::system_clock::now(), level, message, fields});
    waiting_ += '\n';
  }

  void reopen() {
    flush();
    if (const auto reopened = target_->reopen(); reopened) {
      add(LogLevel::kInfo, "log file opened again", {});
    } else {
      add(LogLevel::kError, "log file cannot be opened again; the old one is still written",
          {{"reason", reopened.error()}});
    }
    flush();
  }

  // The counts are since the start, so that a report that is lost itself is made up for by the
  // next.
  void report_lost() {
    const std::uint64_t dropped = backlog_.dropped();
    if (dropped == reported_dropped_ && failed_ == reported_failed_) return;
    reported_dropped_ = dropped;
    reported_failed_ = failed_;
    add(LogLevel::kWarning, "log lines have been lost",
        {{"dropped", dropped},
         {"unwritten", failed_.load()},
         {"reason", failed_ == 0 ? "lines come faster than they can be written" : reason_}});
  }

  const std::unique_ptr<LogTarget> target_;
  const LineStyle style_;
  LineBacklog& backlog_;
  std::string waiting_;
  // Lines that could not be written, and why the last one could not.
  std::atomic<std::uint64_t> failed_ = 0;
  std::string reason_;
  bool in_a_line_ =
      false;  // The last line of the file is not whole; `waiting_` opens with its end.
  std::uint64_t reported_dropped_ = 0;
  std::uint64_t reported_failed_ = 0;
};

// Signals are for the loop's thread.
void prepare_thread() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), "log");
}

// spdlog shares the ownership of its logger, its queue and its sink; that ends here.
class AsyncLog final : public Log {
 public:
  AsyncLog(std::unique_ptr<LogTarget> target, const LogConfig& config)
      : style_{config.format, target->is_journal()},
        level_(config.level),
        writer_(std::make_shared<LineWriter>(std::move(target), style_, backlog_)),
        queue_(std::make_shared<spdlog::details::thread_pool>(
            kQueueLength, 1, prepare_thread, [writer = writer_] { writer->finish(); })),
        logger_(std::make_shared<spdlog::async_logger>(
            "lambdapool", writer_, queue_, spdlog::async_overflow_policy::overrun_oldest)) {
    logger_->set_level(spdlog::level::trace);
    logger_->set_error_handler([](const std::string&) {});
  }

  // The queue's destructor waits for the thread, with no limit of its own, and the thread may be
  // waiting for a reader of a full pipe. Told when to give up, it throws away what is left, and
  // ends. The queue goes before the logger that its messages share.
  ~AsyncLog() override {
    writer_->give_up_at(Clock::now() + kCloseLimit);
    queue_.reset();
  }
  AsyncLog(const AsyncLog&) = delete;
  AsyncLog& operator=(const AsyncLog&) = delete;

  bool enabled(LogLevel level) const override {
    return level >= level_.load(std::memory_order_relaxed);
  }

  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    if (!enabled(level)) return;
    thread_local std::string line;
    line.clear();
    style_.append(line, {std::chrono::system_clock::now(), level, message, fields});
    if (backlog_.add(line)) wake();
  }

  LostLines lost() const override { return {backlog_.dropped(), writer_->failed()}; }

  void set_level(LogLevel level) override { level_.store(level, std::memory_order_relaxed); }

  void reopen() override {
    if (backlog_.ask_to_reopen()) wake();
  }

 private:
  void wake() { logger_->log(spdlog::level::info, ""); }

  const LineStyle style_;
  std::atomic<LogLevel> level_;
  LineBacklog backlog_;
  std::shared_ptr<LineWriter> writer_;
  std::shared_ptr<spdlog::details::thread_pool> queue_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

}  // namespace

std::string_view journal_prefix(LogLevel level) {
  return standard_error_is_journal() ? prefix_of(level) : "";
}

std::expected<std::unique_ptr<Log>, std::string> open_log(const LogConfig& config) {
  auto target = LogTarget::open(config.file);
  if (!target) return std::unexpected("log.file: " + target.error());
  try {
    return std::make_unique<AsyncLog>(*std::move(target), config);
  } catch (const std::exception& error) {
    return std::unexpected("the log's thread cannot be started: " + std::string(error.what()));
  }
}

}  // namespace lambdapool::supervisor
