#include "supervisor/pool/output_lines.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lambdapool::supervisor {
namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t kMost = OutputLines::kMaxLineBytes;

Lines split(const std::vector<std::string>& pieces) {
  Lines found;
  OutputLines lines([&](std::string_view line) { found.emplace_back(line); });
  for (const std::string& piece : pieces) lines.feed(piece);
  lines.finish();
  return found;
}

TEST(OutputLines, LinesAreGivenWithoutTheirEnds) {
  EXPECT_EQ(split({"a\nbc\n"}), (Lines{"a", "bc"}));
}

TEST(OutputLines, EmptyLinesAreLines) { EXPECT_EQ(split({"\n\na\n\n"}), (Lines{"", "", "a", ""})); }

TEST(OutputLines, LinesSurviveEverySplitOfTheBytes) {
  const std::string bytes = "first\n\nsecond line\nrest";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    EXPECT_EQ(split({bytes.substr(0, cut), bytes.substr(cut)}),
              (Lines{"first", "", "second line", "rest"}))
        << cut;
  }
}

TEST(OutputLines, ALineIsGivenAsSoonAsItEnds) {
  Lines found;
  OutputLines lines([&](std::string_view line) { found.emplace_back(line); });

  lines.feed("a");
  EXPECT_EQ(found, Lines{});
  lines.feed("b\nc");
  EXPECT_EQ(found, Lines{"ab"});
  lines.finish();
  EXPECT_EQ(found, (Lines{"ab", "c"}));
}

TEST(OutputLines, FinishingTwiceGivesTheRestOnce) {
  Lines found;
  OutputLines lines([&](std::string_view line) { found.emplace_back(line); });
  lines.feed("rest");

  lines.finish();
  lines.finish();

  EXPECT_EQ(found, Lines{"rest"});
}

TEST(OutputLines, NothingIsNoLine) { EXPECT_EQ(split({"", ""}), Lines{}); }

TEST(OutputLines, ABinaryLineIsKeptAsItIs) {
  const std::string binary("\0\xff\r\x1b", 4);

  EXPECT_EQ(split({binary + "\n"}), Lines{binary});
}

TEST(OutputLines, ALineAsLongAsTheLimitIsOneLine) {
  const std::string longest(kMost, 'x');

  EXPECT_EQ(split({longest + "\n"}), Lines{longest});
  EXPECT_EQ(split({longest}), Lines{longest});
}

TEST(OutputLines, ALineOverTheLimitComesInParts) {
  const std::string longest(kMost, 'x');

  EXPECT_EQ(split({longest + "y\n"}), (Lines{longest, "y"}));
  EXPECT_EQ(split({longest + longest + "y\nz"}), (Lines{longest, longest, "y", "z"}));
}

TEST(OutputLines, ALineOverTheLimitComesInTheSamePartsHoweverItIsSplit) {
  const std::string longest(kMost, 'x');
  const std::string bytes = longest + "yyy\nz\n";
  for (const std::size_t cut :
       {std::size_t{1}, kMost - 1, kMost, kMost + 1, kMost + 3, kMost + 4}) {
    EXPECT_EQ(split({bytes.substr(0, cut), bytes.substr(cut)}), (Lines{longest, "yyy", "z"}))
        << cut;
  }
}

TEST(OutputLines, ALineAsLongAsTheLimitIsOneLineWhereverItIsSplit) {
  const std::string longest(kMost, 'x');
  EXPECT_EQ(split({longest, "\n"}), Lines{longest});
}

}  // namespace
}  // namespace lambdapool::supervisor
