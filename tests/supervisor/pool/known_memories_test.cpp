#include "supervisor/pool/known_memories.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr uv::TimePoint kStart{std::chrono::hours(1)};

TEST(KnownMemories, AWorkerHasWhatItWasGiven) {
  KnownMemories memories;
  EXPECT_FALSE(memories.use(1, kStart));

  EXPECT_EQ(memories.add(1, kStart), std::nullopt);
  EXPECT_TRUE(memories.use(1, kStart));
  EXPECT_FALSE(memories.use(2, kStart));
}

TEST(KnownMemories, OneMoreThanTheMostIsGivenForTheOneThatWasUsedLongestAgo) {
  KnownMemories memories;
  for (std::uint64_t i = 1; i <= KnownMemories::kMost; ++i) {
    EXPECT_EQ(memories.add(i, kStart + milliseconds(i)), std::nullopt) << i;
  }
  EXPECT_TRUE(memories.use(1, kStart + milliseconds(100)));

  EXPECT_EQ(memories.add(17, kStart + milliseconds(101)), 2U);
  EXPECT_TRUE(memories.use(1, kStart));
  EXPECT_FALSE(memories.use(2, kStart));
  EXPECT_TRUE(memories.use(17, kStart));
}

TEST(KnownMemories, WhatIsNotUsedForTheWholeTimeIsToBeForgotten) {
  KnownMemories memories;
  memories.add(1, kStart);
  memories.add(2, kStart);
  EXPECT_TRUE(memories.use(2, kStart + milliseconds(1)));

  EXPECT_THAT(memories.take_unused(kStart + KnownMemories::kKept - milliseconds(1)), IsEmpty());
  EXPECT_THAT(memories.take_unused(kStart + KnownMemories::kKept), ElementsAre(1));
  EXPECT_FALSE(memories.use(1, kStart));
  EXPECT_FALSE(memories.empty());
  EXPECT_THAT(memories.take_unused(kStart + KnownMemories::kKept + milliseconds(1)),
              ElementsAre(2));
  EXPECT_TRUE(memories.empty());
}

TEST(KnownMemories, WhatCouldNotBeTakenIsToBeForgottenOnce) {
  KnownMemories memories;
  memories.add(1, kStart);

  EXPECT_TRUE(memories.drop(1));
  EXPECT_FALSE(memories.drop(1));
  EXPECT_FALSE(memories.drop(2));
  EXPECT_FALSE(memories.use(1, kStart));
}

}  // namespace
}  // namespace lambdapool::supervisor
