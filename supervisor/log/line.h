// One record as text, pure.
//
//   text  2026-11-24T05:40:00.123Z INFO  message key=value key="quoted value"
//   json  {"time":"2026-11-24T05:40:00.123Z","level":"info","message":"...","key":"value"}
//
// In text the further lines of a message, such as a traceback, follow, each indented by four
// spaces; a record begins with its time. Else a record is one line. Whatever the texts hold, it is
// valid UTF-8, nothing of a text begins a line, and JSON is valid JSON.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "supervisor/config/config.h"
#include "supervisor/log/log.h"

namespace lambdapool::supervisor {

struct LogRecord {
  std::chrono::system_clock::time_point time;
  LogLevel level = LogLevel::kInfo;
  std::string_view message;
  std::span<const LogField> fields;
};

// The longest message or value that is written whole; of a longer one the line says how much is
// left out, so that the lines that wait stay within reason.
inline constexpr std::size_t kMaxLogText = std::size_t{64} << 10;

// In UTC, with milliseconds: 2026-11-24T05:40:00.123Z.
void append_time(std::string& out, std::chrono::system_clock::time_point time);

// Appends the record in its fields' order, without an end of line.
void append_line(std::string& out, LogFormat format, const LogRecord& record);

}  // namespace lambdapool::supervisor
