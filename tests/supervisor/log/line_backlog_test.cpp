#include "supervisor/log/line_backlog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lambdapool::supervisor {
namespace {

TEST(LineBacklog, OnlyTheFirstToAddWakesTheThreadUntilItRests) {
  LineBacklog backlog;
  EXPECT_TRUE(backlog.add("one"));
  EXPECT_FALSE(backlog.add("two"));
  EXPECT_FALSE(backlog.ask_to_reopen());

  EXPECT_THAT(backlog.take().lines, testing::ElementsAre("one", "two"));
  EXPECT_FALSE(backlog.add("three")) << "the thread has not been told to rest";
  EXPECT_FALSE(backlog.rest()) << "something waits";
  EXPECT_THAT(backlog.take().lines, testing::ElementsAre("three"));
  EXPECT_TRUE(backlog.rest());
  EXPECT_TRUE(backlog.ask_to_reopen());
  EXPECT_FALSE(backlog.rest()) << "the wish waits";
}

TEST(LineBacklog, AWishToReopenKeepsItsPlaceAmongTheLines) {
  LineBacklog backlog;
  EXPECT_TRUE(backlog.add("before"));
  EXPECT_FALSE(backlog.ask_to_reopen());
  EXPECT_FALSE(backlog.add("after"));

  EXPECT_EQ(backlog.take().reopen_before, 1U);
  EXPECT_EQ(backlog.take().reopen_before, std::nullopt);
}

class FullLineBacklog : public testing::Test {
 protected:
  FullLineBacklog() {
    for (std::size_t i = 0; i < LineBacklog::kMostLines; ++i) {
      static_cast<void>(backlog_.add(std::to_string(i)));
    }
  }
  LineBacklog backlog_;
};

TEST_F(FullLineBacklog, HasDroppedNothingYet) {
  EXPECT_EQ(backlog_.dropped(), 0U);
  EXPECT_EQ(backlog_.take().lines.size(), LineBacklog::kMostLines);
}

TEST_F(FullLineBacklog, DropsAndCountsTheOldestForTheNewest) {
  EXPECT_FALSE(backlog_.add("newest"));

  EXPECT_EQ(backlog_.dropped(), 1U);
  const auto orders = backlog_.take();
  EXPECT_EQ(orders.lines.size(), LineBacklog::kMostLines);
  EXPECT_EQ(orders.lines.front(), "1");
  EXPECT_EQ(orders.lines.back(), "newest");
}

TEST_F(FullLineBacklog, TheWishToReopenIsNotDroppedWithTheLinesBeforeIt) {
  EXPECT_FALSE(backlog_.ask_to_reopen());
  EXPECT_FALSE(backlog_.add("newest"));

  EXPECT_EQ(backlog_.take().reopen_before, LineBacklog::kMostLines - 1);
}

TEST(LineBacklog, AWishBeforeAllLinesStaysThere) {
  LineBacklog backlog;
  EXPECT_TRUE(backlog.ask_to_reopen());
  for (std::size_t i = 0; i <= LineBacklog::kMostLines; ++i) {
    static_cast<void>(backlog.add("line"));
  }

  EXPECT_EQ(backlog.take().reopen_before, 0U);
  EXPECT_EQ(backlog.dropped(), 1U);
}

}  // namespace
}  // namespace lambdapool::supervisor
