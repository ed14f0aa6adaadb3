#include "supervisor/config/values.h"

#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

using std::chrono::milliseconds;

TEST(Values, ADurationIsAWholeNumberAndItsUnit) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("2s"), milliseconds(2000));
  EXPECT_EQ(parse_duration("5m"), milliseconds(300'000));
  EXPECT_EQ(parse_duration("1h"), milliseconds(3'600'000));
  EXPECT_EQ(parse_duration("0s"), milliseconds(0));
}

TEST(Values, WhatIsNotQuiteADurationIsNone) {
  for (const char* text :
       {"", "5", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "1.5s", "5S", "5sec", "1m30s", "0x5s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Values, ADurationThatOverflowsIsNone) {
  EXPECT_EQ(parse_duration("9223372036854775807ms"), milliseconds(INT64_MAX));
  EXPECT_EQ(parse_duration("9223372036854775808ms"), std::nullopt);
  EXPECT_EQ(parse_duration("2562047788015h"), milliseconds(2562047788015 * 3'600'000));
  EXPECT_EQ(parse_duration("2562047788016h"), std::nullopt);
  EXPECT_EQ(parse_duration("99999999999999999999s"), std::nullopt);
}

TEST(Values, ADurationIsWrittenInTheLargestUnitThatIsExact) {
  EXPECT_EQ(format_duration(milliseconds(0)), "0s");
  EXPECT_EQ(format_duration(milliseconds(1)), "1ms");
  EXPECT_EQ(format_duration(milliseconds(1500)), "1500ms");
  EXPECT_EQ(format_duration(milliseconds(60'000)), "60s");
  EXPECT_EQ(format_duration(milliseconds(75'000)), "75s");
  EXPECT_EQ(format_duration(milliseconds(120'000)), "2m");
  EXPECT_EQ(format_duration(milliseconds(86'400'000)), "24h");
}

TEST(Values, ASizeIsPlainBytesOrAWholeNumberAndItsUnit) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("4096"), 4096U);
  EXPECT_EQ(parse_size("512B"), 512U);
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("10MiB"), 10U << 20U);
  EXPECT_EQ(parse_size("1GiB"), 1U << 30U);
  EXPECT_EQ(parse_size("2TiB"), std::uint64_t{2} << 40U);
}

TEST(Values, WhatIsNotQuiteASizeIsNone) {
  for (const char* text :
       {"", "B", "10MB", "10M", "10mib", "10 MiB", "-1", "1.5GiB", "1e3", "0x10"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Values, ASizeThatOverflowsIsNone) {
  EXPECT_EQ(parse_size("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_size("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_size("16777215TiB"), std::uint64_t{16777215} << 40U);
  EXPECT_EQ(parse_size("16777216TiB"), std::nullopt);
}

TEST(Values, ASizeIsWrittenInTheLargestUnitThatIsExact) {
  EXPECT_EQ(format_size(0), "0B");
  EXPECT_EQ(format_size(1000), "1000B");
  EXPECT_EQ(format_size(1536), "1536B");
  EXPECT_EQ(format_size(65536), "64KiB");
  EXPECT_EQ(format_size(std::uint64_t{1} << 40U), "1TiB");
}

TEST(Values, ABooleanIsOneOfSixWordsInAnyCase) {
  for (const char* text : {"true", "yes", "on", "True", "YES"})
    EXPECT_EQ(parse_bool(text), true) << text;
  for (const char* text : {"false", "no", "off", "False", "OFF"})
    EXPECT_EQ(parse_bool(text), false) << text;
  for (const char* text : {"", "1", "0", "t", "truee", " true"})
    EXPECT_EQ(parse_bool(text), std::nullopt) << text;
}

TEST(Values, ACountIsDigitsOnly) {
  EXPECT_EQ(parse_count("0"), 0U);
  EXPECT_EQ(parse_count("007"), 7U);
  for (const char* text : {"", "-1", "+1", "1 ", "1_000", "1.0", "ten"})
    EXPECT_EQ(parse_count(text), std::nullopt) << text;
}

TEST(Values, EveryEnumeratorHasItsName) {
  EXPECT_EQ(to_string(EventLoop::kAuto), "auto");
  EXPECT_EQ(to_string(EventLoop::kUvloop), "uvloop");
  EXPECT_EQ(to_string(EventLoop::kAsyncio), "asyncio");
  EXPECT_EQ(to_string(Interpreter::kEmbedded), "embedded");
  EXPECT_EQ(to_string(Interpreter::kSystem), "system");
  EXPECT_EQ(to_string(LogLevel::kDebug), "debug");
  EXPECT_EQ(to_string(LogLevel::kInfo), "info");
  EXPECT_EQ(to_string(LogLevel::kWarning), "warning");
  EXPECT_EQ(to_string(LogLevel::kError), "error");
  EXPECT_EQ(to_string(LogFormat::kText), "text");
  EXPECT_EQ(to_string(LogFormat::kJson), "json");
}

}  // namespace
}  // namespace lambdapool::supervisor
