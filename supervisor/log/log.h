// The supervisor's log, as text (`time level message key=value ...`) or as JSON, one line per
// record.
//
// The only door to spdlog. Lines are written by a thread of the log's own, so that a slow reader of
// standard error or a slow disk never blocks the loop; when more lines wait than the backlog holds,
// the oldest are dropped and a later line says how many. Text that comes from lambdas or clients is
// escaped: nothing of it looks like a record. In text the further lines of a message are indented.
#pragma once

#include <concepts>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "supervisor/config/config.h"

namespace lambdapool::supervisor {

// One key and its value; one with an empty key is left out. The views must live until the call
// returns.
struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool>
      value;  // Doubles are written with three decimals.

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  template <class Integer>
    requires std::integral<Integer> && (!std::same_as<Integer, bool>)
  LogField(std::string_view k, Integer v) : key(k), value(static_cast<std::int64_t>(v)) {}
};

// Lines that were never written, since the log was opened.
struct LostLines {
  std::uint64_t dropped = 0;    // They came faster than they could be written.
  std::uint64_t unwritten = 0;  // The file or its reader did not take them.
};

class Log {
 public:
  virtual ~Log() = default;

  virtual bool enabled(LogLevel level) const = 0;
  virtual void write(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields = {}) = 0;
  virtual void set_level(LogLevel level) = 0;
  // Opens log.file again under its name (after a rotation); says so or why not in the log.
  virtual void reopen() = 0;
  virtual LostLines lost() const { return {}; }

  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kDebug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kInfo, message, fields);
  }
  void warning(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kWarning, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kError, message, fields);
  }
};

// What a line to standard error begins with, for systemd's journal to know its level; empty where
// standard error is not the journal.
std::string_view journal_prefix(LogLevel level);

// Opens the log that `config` describes. Failure: why log.file cannot be opened. The destructor
// writes out what waits, bounded by two seconds.
std::expected<std::unique_ptr<Log>, std::string> open_log(const LogConfig& config);

}  // namespace lambdapool::supervisor
