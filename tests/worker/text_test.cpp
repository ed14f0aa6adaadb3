#include "worker/text.h"

#include <gtest/gtest.h>

namespace lambdapool::worker {
namespace {

TEST(BoundedText, ATextUpToTheLimitStaysAsItIs) {
  for (const std::string text : {"", "abc", "abcd"}) {
    const BoundedText bounded(text, 4);
    EXPECT_EQ(bounded.view(), text);
  }
}

TEST(BoundedText, ALongerTextIsCutAndSaysHowMuchIsMissing) {
  EXPECT_EQ(BoundedText("abcde", 4).view(), "abcd ... [1 bytes left out]");
  EXPECT_EQ(BoundedText("abcde", 0).view(), " ... [5 bytes left out]");
}

TEST(BoundedText, ACharacterIsNeverCutInTwo) {
  const std::string text = "a\xF0\x9F\x90\x8D!";  // One character of four bytes between two of one.
  for (const std::size_t limit : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{4}}) {
    EXPECT_EQ(BoundedText(text, limit).view(), "a ... [5 bytes left out]") << limit;
  }
  EXPECT_EQ(BoundedText(text, 5).view(), "a\xF0\x9F\x90\x8D ... [1 bytes left out]");
}

TEST(BoundedText, BytesThatAreNoTextAreCutAllTheSame) {
  const std::string bytes(100, '\x80');

  EXPECT_EQ(BoundedText(bytes, 50).view().substr(0, 47), bytes.substr(0, 47));
  EXPECT_EQ(BoundedText(bytes, 50).view().substr(47), " ... [53 bytes left out]");
}

}  // namespace
}  // namespace lambdapool::worker
