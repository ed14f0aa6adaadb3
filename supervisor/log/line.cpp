#include "supervisor/log/line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "supervisor/config/values.h"
#include "supervisor/lines.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

// Of one width, so that messages stand below each other.
constexpr std::array<std::string_view, 4> kTextLevels = {"DEBUG", "INFO ", "WARN ", "ERROR"};

// No record begins with it.
constexpr std::string_view kContinuation = "    ";

void append_digits(std::string& out, unsigned value, std::size_t width) {
  const std::size_t begin = out.size();
  out.append(width, '0');
  for (std::size_t i = width; i-- > 0; value /= 10)
    out[begin + i] = static_cast<char>('0' + value % 10);
}

void append_number(std::string& out, std::int64_t value) {
  std::array<char, 24> text{};
  out.append(text.data(), std::to_chars(text.begin(), text.end(), value).ptr);
}

void append_number(std::string& out, double value) {
  // A double has at most 309 digits before its point.
  std::array<char, 340> text{};
  out.append(text.data(),
             std::to_chars(text.begin(), text.end(), value, std::chars_format::fixed, 3).ptr);
}

// Says how much is left out of a text of which only the start is shown.
void append_cut(std::string& out, std::string_view text, std::string_view shown) {
  if (shown.size() == text.size()) return;
  out += "... (";
  append_number(out, static_cast<std::int64_t>(text.size() - shown.size()));
  out += " more bytes)";
}

// Appends with `escape`, cut after kMaxLogText bytes.
template <class Escape>
void append_clipped(std::string& out, std::string_view text, Escape escape) {
  const std::string_view shown = clipped(text, kMaxLogText);
  escape(shown);
  append_cut(out, text, shown);
}

// Whether a value needs no quotes to be told from what stands around it.
bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
}

void append_text_value(std::string& out, std::string_view value) {
  if (is_word(value)) {
    append_clipped(out, value, [&](std::string_view shown) { out += shown; });
    return;
  }
  out += '"';
  append_clipped(out, value, [&](std::string_view shown) { append_escaped(out, shown, "\"\\"); });
  out += '"';
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  append_clipped(out, text, [&](std::string_view shown) { append_json_escaped(out, shown); });
  out += '"';
}

void append_value(std::string& out, LogFormat format, const LogField& field) {
  std::visit(
      [&]<class T>(const T& value) {
        if constexpr (std::is_same_v<T, std::string_view>) {
          format == LogFormat::kJson ? append_json_text(out, value) : append_text_value(out, value);
        } else if constexpr (std::is_same_v<T, bool>) {
          out += value ? "true" : "false";
        } else if constexpr (std::is_same_v<T, double>) {
          // JSON has no word for what is not a number.
          if (format == LogFormat::kJson && !std::isfinite(value)) {
            out += "null";
          } else {
            append_number(out, value);
          }
        } else {
          append_number(out, value);
        }
      },
      field.value);
}

void append_text_line(std::string& out, const LogRecord& record) {
  append_time(out, record.time);
  out.append(" ").append(kTextLevels.at(static_cast<std::size_t>(record.level))).append(" ");
  const std::string_view message = clipped(record.message, kMaxLogText);
  const std::string_view first = message.substr(0, message.find('\n'));
  const bool is_one_line = first.size() == message.size();
  append_escaped(out, first);
  if (is_one_line) append_cut(out, record.message, message);
  for (const LogField& field : record.fields) {
    if (field.key.empty()) continue;
    out.append(" ").append(field.key).append("=");
    append_value(out, LogFormat::kText, field);
  }
  if (is_one_line) return;
  for_each_line(message.substr(first.size() + 1), [&out](std::string_view line) {
    out.append("\n").append(kContinuation);
    append_escaped(out, line);
  });
  append_cut(out, record.message, message);
}

void append_json_line(std::string& out, const LogRecord& record) {
  out += R"({"time":")";
  append_time(out, record.time);
  out.append(R"(","level":")").append(to_string(record.level)).append(R"(","message":)");
  append_json_text(out, record.message);
  for (const LogField& field : record.fields) {
    if (field.key.empty()) continue;
    out += ',';
    append_json_text(out, field.key);
    out += ':';
    append_value(out, LogFormat::kJson, field);
  }
  out += '}';
}

}  // namespace

void append_time(std::string& out, std::chrono::system_clock::time_point time) {
  using std::chrono::floor;
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(floor<Milliseconds>(time - day));
  const auto part = [&](auto value, std::size_t width, char after) {
    append_digits(out, static_cast<unsigned>(value), width);
    out += after;
  };
  part(static_cast<int>(date.year()), 4, '-');
  part(static_cast<unsigned>(date.month()), 2, '-');
  part(static_cast<unsigned>(date.day()), 2, 'T');
  part(clock.hours().count(), 2, ':');
  part(clock.minutes().count(), 2, ':');
  part(clock.seconds().count(), 2, '.');
  part(clock.subseconds().count(), 3, 'Z');
}

void append_line(std::string& out, LogFormat format, const LogRecord& record) {
  format == LogFormat::kJson ? append_json_line(out, record) : append_text_line(out, record);
}

}  // namespace lambdapool::supervisor
