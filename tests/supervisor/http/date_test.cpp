#include "supervisor/http/date.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace lambdapool::supervisor {
namespace {

TEST(Date, ItIsThePresentInTheFormatOfRfc9110) {
  Date date;
  const std::string text(date.now());

  ASSERT_EQ(text.size(), 29U) << text;
  std::tm parsed{};
  const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parsed);
  ASSERT_NE(end, nullptr) << text;
  EXPECT_EQ(*end, '\0') << text;
  EXPECT_LE(std::llabs(static_cast<long long>(std::time(nullptr) - timegm(&parsed))), 2) << text;
}

TEST(Date, ItStaysAsLongAsTheSecondDoes) {
  Date date;

  // The second may change between two calls once, not twice.
  const std::string first(date.now());
  const std::string second(date.now());
  const std::string third(date.now());

  EXPECT_TRUE(first == second || second == third);
}

}  // namespace
}  // namespace lambdapool::supervisor
