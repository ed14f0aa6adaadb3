#include "supervisor/log/line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::SizeIs;

std::chrono::system_clock::time_point a_morning() {
  using std::chrono::sys_days;
  return sys_days{std::chrono::year{2026} / 11 / 24} + 5h + 40min + 123ms;
}

std::string line(LogFormat format, std::string_view message,
                 std::initializer_list<LogField> fields = {}, LogLevel level = LogLevel::kInfo) {
  std::string out;
  append_line(out, format, {a_morning(), level, message, fields});
  return out;
}

std::string text(std::string_view message, std::initializer_list<LogField> fields = {}) {
  return line(LogFormat::kText, message, fields);
}

std::string json(std::string_view message, std::initializer_list<LogField> fields = {}) {
  return line(LogFormat::kJson, message, fields);
}

constexpr std::string_view kTextStart = "2026-11-24T05:40:00.123Z INFO  ";
constexpr std::string_view kJsonStart =
    R"({"time":"2026-11-24T05:40:00.123Z","level":"info","message":)";

TEST(LogLine, TextHasTheFieldsInTheirOrder) {
  EXPECT_EQ(text("request", {{"status", 200},
                             {"path", "/main"},
                             {"name", "two words"},
                             {"ms", 1.5},
                             {"cached", true}}),
            std::string(kTextStart) +
                R"(request status=200 path=/main name="two words" ms=1.500 cached=true)");
}

TEST(LogLine, JsonHasTheFieldsInTheirOrder) {
  EXPECT_EQ(
      json("request", {{"status", 200},
                       {"path", "/main"},
                       {"name", "two words"},
                       {"ms", 1.5},
                       {"cached", true}}),
      std::string(kJsonStart) +
          R"("request","status":200,"path":"/main","name":"two words","ms":1.500,"cached":true})");
}

TEST(LogLine, LevelsOfTextHaveOneWidth) {
  EXPECT_EQ(line(LogFormat::kText, "m", {}, LogLevel::kDebug), "2026-11-24T05:40:00.123Z DEBUG m");
  EXPECT_EQ(line(LogFormat::kText, "m", {}, LogLevel::kWarning),
            "2026-11-24T05:40:00.123Z WARN  m");
  EXPECT_EQ(line(LogFormat::kText, "m", {}, LogLevel::kError), "2026-11-24T05:40:00.123Z ERROR m");
  EXPECT_THAT(line(LogFormat::kJson, "m", {}, LogLevel::kWarning),
              EndsWith(R"("level":"warning","message":"m"})"));
}

TEST(LogLine, TimesAreUtcWithMilliseconds) {
  std::string out;
  append_line(out, LogFormat::kText,
              {std::chrono::system_clock::time_point{} + 999ms + 999us, LogLevel::kInfo, "m", {}});
  EXPECT_EQ(out, "1970-01-01T00:00:00.999Z INFO  m");
  out.clear();
  const auto leap = std::chrono::sys_days{std::chrono::year{2028} / 2 / 29} + 23h + 59min + 59s;
  append_line(out, LogFormat::kText, {leap, LogLevel::kInfo, "m", {}});
  EXPECT_EQ(out, "2028-02-29T23:59:59.000Z INFO  m");
}

TEST(LogLine, AValueIsQuotedWhenItCouldBeMistaken) {
  EXPECT_EQ(text("m", {{"k", ""}}), std::string(kTextStart) + R"(m k="")");
  EXPECT_EQ(text("m", {{"k", "a=b"}}), std::string(kTextStart) + R"(m k="a=b")");
  EXPECT_EQ(text("m", {{"k", "a\"b\\c"}}), std::string(kTextStart) + R"(m k="a\"b\\c")");
  EXPECT_EQ(text("m", {{"k", "a,b;c:d"}}), std::string(kTextStart) + "m k=a,b;c:d");
  EXPECT_EQ(text("m", {{"k", "имя"}}), std::string(kTextStart) + "m k=\"имя\"");
}

TEST(LogLine, FurtherLinesOfAMessageAreIndentedInTextSoThatNoneLooksLikeARecord) {
  EXPECT_EQ(text("boom\nTraceback:\n  File \"x\"\n\n2026-11-24T05:40:00.123Z ERROR forged",
                 {{"worker", 1}}),
            std::string(kTextStart) +
                "boom worker=1\n    Traceback:\n      File \"x\"\n    \n"
                "    2026-11-24T05:40:00.123Z ERROR forged");
  EXPECT_EQ(text("\nb\r\n\x1b[31m"), std::string(kTextStart) + "\n    b\\r\n    \\x1b[31m");
  EXPECT_EQ(text("a\n"), std::string(kTextStart) + "a");
}

TEST(LogLine, ALongMessageOfSeveralLinesIsCutAtItsEnd) {
  const std::string whole = "a\n" + std::string(kMaxLogText - 2, 'x');
  EXPECT_EQ(text(whole + "yz", {{"k", 1}}),
            std::string(kTextStart) + "a k=1\n    " + whole.substr(2) + "... (2 more bytes)");
}

TEST(LogLine, WhateverTheTextsHoldARecordIsPrintableUtf8) {
  EXPECT_EQ(text("a\rb\xff", {{"k", "c\r\nd\xfe"}}),
            std::string(kTextStart) + R"(a\rb\xff k="c\r\nd\xfe")");
  EXPECT_EQ(json("a\nb\xff", {{"k", "c\r\nd\xfe"}}),
            std::string(kJsonStart) + "\"a\\nb\xef\xbf\xbd\",\"k\":\"c\\r\\nd\xef\xbf\xbd\"}");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  std::string shown = text(all, {{"k", all}});
  std::erase(shown, '\n');
  EXPECT_TRUE(is_printable(shown));
  EXPECT_TRUE(is_printable(json(all, {{"k", all}})));
}

TEST(LogLine, NumbersAreWrittenToTheirEnds) {
  EXPECT_EQ(text("m", {{"least", INT64_MIN}, {"most", INT64_MAX}}),
            std::string(kTextStart) + "m least=-9223372036854775808 most=9223372036854775807");
  EXPECT_EQ(text("m", {{"d", -0.0004}, {"e", 0.0006}}),
            std::string(kTextStart) + "m d=-0.000 e=0.001");
  EXPECT_THAT(text("m", {{"d", std::numeric_limits<double>::max()}}),
              SizeIs(kTextStart.size() + 4 + 309 + 4));
}

TEST(LogLine, JsonHasNoWordForWhatIsNotANumber) {
  EXPECT_EQ(json("m", {{"k", std::nan("")}, {"l", INFINITY}}),
            std::string(kJsonStart) + R"("m","k":null,"l":null})");
}

TEST(LogLine, LongTextIsCutAndSaysByHowMuch) {
  const std::string whole(kMaxLogText, 'x');
  EXPECT_EQ(text(whole), std::string(kTextStart) + whole);
  EXPECT_EQ(text(whole + "yz"), std::string(kTextStart) + whole + "... (2 more bytes)");
  EXPECT_EQ(json(whole + "yz"), std::string(kJsonStart) + "\"" + whole + "... (2 more bytes)\"}");
}

}  // namespace
}  // namespace lambdapool::supervisor
