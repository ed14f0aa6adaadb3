#include "supervisor/config/nearest.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace lambdapool::supervisor {
namespace {

constexpr std::array<std::string_view, 3> kWords = {"server.port", "server.host", "pool.workers"};

TEST(Nearest, TheDistanceCountsAddedRemovedReplacedAndSwappedLetters) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("port", "port"), 0U);
  EXPECT_EQ(edit_distance("", "port"), 4U);
  EXPECT_EQ(edit_distance("prt", "port"), 1U);
  EXPECT_EQ(edit_distance("ports", "port"), 1U);
  EXPECT_EQ(edit_distance("part", "port"), 1U);
  EXPECT_EQ(edit_distance("prot", "port"), 1U);
  EXPECT_EQ(edit_distance("trop", "port"), 3U);
}

TEST(Nearest, ASlipOfTheFingerFindsTheWord) {
  EXPECT_EQ(nearest("server.prot", kWords), "server.port");
  EXPECT_EQ(nearest("pool.worker", kWords), "pool.workers");
}

TEST(Nearest, OfEqualsTheFirstIsTaken) {
  EXPECT_EQ(nearest("server.xost", std::array<std::string_view, 2>{"server.host", "server.cost"}),
            "server.host");
}

TEST(Nearest, AnotherWordFindsNone) {
  EXPECT_EQ(nearest("database", kWords), std::nullopt);
  EXPECT_EQ(nearest("", kWords), std::nullopt);
  EXPECT_EQ(nearest("x", {}), std::nullopt);
}

TEST(Nearest, AShortWordMayHaveOneWrongLetterAndNotTwo) {
  constexpr std::array<std::string_view, 1> kLog = {"log"};
  EXPECT_EQ(nearest("lgg", kLog), "log");
  EXPECT_EQ(nearest("lxx", kLog), std::nullopt);
}

TEST(Nearest, AWordTooLongForASlipIsNotCompared) {
  const std::string longest(64, 'a');
  const std::string longer(65, 'a');
  EXPECT_EQ(nearest(longest, std::array<std::string_view, 1>{longest}), longest);
  EXPECT_EQ(nearest(longer, std::array<std::string_view, 1>{longer}), std::nullopt);
}

}  // namespace
}  // namespace lambdapool::supervisor
