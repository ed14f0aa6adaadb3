#include "supervisor/http/text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lambdapool::supervisor {
namespace {

std::vector<std::string> elements(std::string_view list) {
  std::vector<std::string> found;
  for_each_element(list, [&](std::string_view element) { found.emplace_back(element); });
  return found;
}

TEST(Text, OnlyAsciiLettersLoseTheirCase) {
  EXPECT_EQ(to_lower('A'), 'a');
  EXPECT_EQ(to_lower('Z'), 'z');
  EXPECT_EQ(to_lower('@'), '@');
  EXPECT_EQ(to_lower('['), '[');
  EXPECT_EQ(to_lower('\xc4'), '\xc4');
}

TEST(Text, EqualityIgnoresCaseAndNothingElse) {
  EXPECT_TRUE(equals_ignoring_case("Content-Length", "content-LENGTH"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("host", "hos"));
  EXPECT_FALSE(equals_ignoring_case("host", "host "));
  EXPECT_FALSE(equals_ignoring_case("a@", "a`"));
}

TEST(Text, ATokenHoldsExactlyTheCharactersOfRfc9110) {
  const std::string marks = "!#$%&'*+-.^_`|~";
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const bool expected = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') ||
                          (c != '\0' && marks.find(c) != std::string::npos);
    EXPECT_EQ(is_token(std::string(1, c)), expected) << "character " << code;
  }
}

TEST(Text, TheEmptyTextIsNoToken) { EXPECT_FALSE(is_token("")); }

TEST(Text, OneBadCharacterAnywhereSpoilsAToken) {
  EXPECT_TRUE(is_token("x-name"));
  EXPECT_FALSE(is_token(" x-name"));
  EXPECT_FALSE(is_token("x name"));
  EXPECT_FALSE(is_token("x-name:"));
}

TEST(Text, HexDigitsAreSixteen) {
  int count = 0;
  for (int code = 0; code < 256; ++code) count += is_hex(static_cast<char>(code)) ? 1 : 0;

  EXPECT_EQ(count, 22);
  EXPECT_TRUE(is_hex('f') && is_hex('F') && is_hex('0') && is_hex('9'));
  EXPECT_FALSE(is_hex('g') || is_hex('G'));
}

TEST(Text, TrimmingTakesSpacesAndTabsFromBothEndsOnly) {
  EXPECT_EQ(trimmed("  a b\t"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed("\na\n"), "\na\n");
}

TEST(Text, AListIsSplitAtItsCommas) {
  EXPECT_EQ(elements("close, Keep-Alive\t,x"),
            (std::vector<std::string>{"close", "Keep-Alive", "x"}));
}

TEST(Text, EmptyElementsOfAListAreVisitedAsEmpty) {
  EXPECT_EQ(elements(",a,, "), (std::vector<std::string>{"", "a", "", ""}));
  EXPECT_EQ(elements(""), (std::vector<std::string>{""}));
}

}  // namespace
}  // namespace lambdapool::supervisor
