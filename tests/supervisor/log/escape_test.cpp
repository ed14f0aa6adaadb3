#include "supervisor/log/escape.h"

#include <gtest/gtest.h>

#include <string>

namespace lambdapool::supervisor {
namespace {

std::string text(std::string_view in, std::string_view also = {}) {
  std::string out;
  append_escaped(out, in, also);
  return out;
}

std::string json(std::string_view in) {
  std::string out;
  append_json_escaped(out, in);
  return out;
}

TEST(Escape, PlainTextOfAnyLanguageStaysAsItIs) {
  for (const char* plain :
       {"", "abc ~", "пример", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(text(plain), plain);
    EXPECT_EQ(json(plain), plain);
    EXPECT_TRUE(is_printable(plain)) << plain;
  }
}

TEST(Escape, ControlCharactersAreSpelledOut) {
  EXPECT_EQ(text("a\nb\r\t\b\f"), "a\\nb\\r\\t\\b\\f");
  EXPECT_EQ(text(std::string_view("\0\x1b[31m\x7f", 7)), "\\x00\\x1b[31m\\x7f");
  EXPECT_EQ(json("a\nb\r\t\b\f"), "a\\nb\\r\\t\\b\\f");
  EXPECT_EQ(json(std::string_view("\0\x1b\x7f", 3)), "\\u0000\\u001b\\u007f");
}

TEST(Escape, WhatSomeReadersTakeForAnEndOfLineIsSpelledOut) {
  EXPECT_EQ(text("\xc2\x85|\xe2\x80\xa8|\xe2\x80\xa9"), "\\u0085|\\u2028|\\u2029");
  EXPECT_EQ(json("\xc2\x85|\xe2\x80\xa8|\xe2\x80\xa9"), "\\u0085|\\u2028|\\u2029");
}

TEST(Escape, BothEndsOfTheControlRangesAreExact) {
  EXPECT_EQ(text("\x1f \x7e\x7f"), "\\x1f ~\\x7f");
  EXPECT_EQ(text("\xc2\x80\xc2\x9f\xc2\xa0"), "\\u0080\\u009f\xc2\xa0");
  EXPECT_EQ(text("\xe2\x80\xa7\xe2\x80\xaf"), "\xe2\x80\xa7\xe2\x80\xaf");
  EXPECT_EQ(text("\xe2\x81\xa5\xe2\x81\xaa"), "\xe2\x81\xa5\xe2\x81\xaa");
}

TEST(Escape, MarksThatTurnTheDirectionAreSpelledOut) {
  for (const unsigned mark : {0x202aU, 0x202eU, 0x2066U, 0x2069U}) {
    const std::string bytes = {static_cast<char>(0xe2),
                               static_cast<char>(0x80U | (mark >> 6U & 0x3fU)),
                               static_cast<char>(0x80U | (mark & 0x3fU))};
    EXPECT_TRUE(text(bytes).starts_with("\\u20")) << bytes;
    EXPECT_EQ(json(bytes), text(bytes));
  }
}

TEST(Escape, BytesThatAreNotUtf8AreShownOneByOne) {
  EXPECT_EQ(text("a\xff\x80z"), "a\\xff\\x80z");
  EXPECT_EQ(text("\xc0\xaf"), "\\xc0\\xaf");           // Overlong.
  EXPECT_EQ(text("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");  // Overlong.
  EXPECT_EQ(text("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf");
  EXPECT_EQ(text("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // A surrogate.
  EXPECT_EQ(text("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // Above U+10FFFF.
  EXPECT_EQ(text("\xe2\x82"), "\\xe2\\x82");                    // Cut short.
  EXPECT_EQ(text("\xe2\x82z"), "\\xe2\\x82z");
  EXPECT_EQ(json("a\xffz"), "a\xef\xbf\xbdz");
  EXPECT_FALSE(is_printable("\xff"));
}

TEST(Escape, OneBackslashGoesBeforeWhatTheCallerNames) {
  EXPECT_EQ(text("a\"b\\c", "\"\\"), "a\\\"b\\\\c");
  EXPECT_EQ(text("a\"b\\c"), "a\"b\\c");
  EXPECT_EQ(json("a\"b\\c/"), "a\\\"b\\\\c/");
}

TEST(Escape, EveryByteAndPairOfBytesComesOutPrintable) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string in = {static_cast<char>(a), static_cast<char>(b)};
      ASSERT_TRUE(is_printable(text(in))) << a << " " << b;
      ASSERT_TRUE(is_printable(json(in))) << a << " " << b;
    }
  }
}

TEST(Escape, QuotesInMessagesHoldOneShortLine) {
  EXPECT_EQ(in_quotes("a\nb"), "'a\\nb'");
  EXPECT_EQ(in_quotes(std::string(120, 'x')), "'" + std::string(120, 'x') + "'");
  EXPECT_EQ(in_quotes(std::string(121, 'x')), "'" + std::string(120, 'x') + "...'");
}

TEST(Escape, ClippingDoesNotCutACharacterInTwo) {
  EXPECT_EQ(clipped("abc", 3), "abc");
  EXPECT_EQ(clipped("abcd", 3), "abc");
  EXPECT_EQ(clipped("ab\xe2\x82\xac", 4), "ab");
  EXPECT_EQ(clipped("ab\xe2\x82\xac", 5), "ab\xe2\x82\xac");
  EXPECT_EQ(clipped("abc", 0), "");
  EXPECT_EQ(clipped("\x80\x80\x80\x80\x80\x80", 5), "\x80\x80\x80\x80\x80");
}

}  // namespace
}  // namespace lambdapool::supervisor
