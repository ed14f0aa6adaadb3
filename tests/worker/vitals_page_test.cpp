#include "worker/channel/vitals_page.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/worker/channel_pair.h"
#include "worker/whose_code.h"

namespace lambdapool::worker {
namespace {

// What the supervisor sees of it: the bytes of the memory, mapped by nobody else.
std::uint64_t word_at(const Descriptor& memory, std::size_t index) {
  std::uint64_t word = 0;
  EXPECT_EQ(pread(memory.get(), &word, sizeof word, static_cast<off_t>(index * sizeof word)),
            ssize_t{sizeof word});
  return word;
}

// Where the fields are, in words.
constexpr std::size_t kStepping = 1;
constexpr std::size_t kSteppingSince = 2;
constexpr std::size_t kCulprit = 3;
constexpr std::size_t kSlots = 4;

TEST(VitalsPage, WhatBeginsIsSeenInItsSlotAndInNoOther) {
  const Descriptor memory = make_vitals_memory(3);
  VitalsPage page = VitalsPage::map(memory.get(), 3).value();

  page.begin(0, 7);
  page.begin(2, 9);

  EXPECT_EQ(word_at(memory, kSlots), 7U);
  EXPECT_EQ(word_at(memory, kSlots + 1), 0U);
  EXPECT_EQ(word_at(memory, kSlots + 2), 9U);
}

TEST(VitalsPage, CountsFramesTaken) {
  const Descriptor memory = make_vitals_memory(1);
  VitalsPage page = VitalsPage::map(memory.get(), 1).value();

  page.frame_taken();
  page.frame_taken();

  EXPECT_EQ(word_at(memory, 0), 2U);
}

TEST(VitalsPage, AStepIsSeenWhileItLastsAndTheOuterOneAfterIt) {
  const Descriptor memory = make_vitals_memory(1);
  VitalsPage page = VitalsPage::map(memory.get(), 1).value();

  {
    const Step outer(page, 7);
    EXPECT_EQ(word_at(memory, kStepping), 7U);
    const std::uint64_t since = word_at(memory, kSteppingSince);
    EXPECT_GT(since, 0U);
    {
      const Step inner(page, 8);
      EXPECT_EQ(word_at(memory, kStepping), 8U);
      EXPECT_EQ(own_request, 8U);
    }
    EXPECT_EQ(word_at(memory, kStepping), 7U);
    EXPECT_EQ(word_at(memory, kSteppingSince), since);
  }

  EXPECT_EQ(word_at(memory, kStepping), 0U);
  EXPECT_EQ(own_request, 0U);
}

TEST(VitalsPage, AStepSaysSinceWhenOnTheClockOfTheSupervisor) {
  const Descriptor memory = make_vitals_memory(1);
  VitalsPage page = VitalsPage::map(memory.get(), 1).value();
  const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };

  const auto before = now();
  const Step step(page, 7);
  const auto since = static_cast<std::int64_t>(word_at(memory, kSteppingSince));

  constexpr std::int64_t kCoarse = 50'000'000;  // The clock may lag by one tick of the kernel.
  EXPECT_GE(since, before - kCoarse);
  EXPECT_LE(since, now());
}

TEST(VitalsPage, TheCulpritIsTheRequestOfTheThreadElseTheFallback) {
  const Descriptor memory = make_vitals_memory(1);
  VitalsPage page = VitalsPage::map(memory.get(), 1).value();

  tell_culprit(page, 5);
  EXPECT_EQ(word_at(memory, kCulprit), 5U);

  const RequestScope scope(7);
  tell_culprit(page, 5);
  EXPECT_EQ(word_at(memory, kCulprit), 7U);
}

TEST(VitalsPage, AThreadOfNobodyThatEndsTheProcessMakesNobodyTheCulprit) {
  const Descriptor memory = make_vitals_memory(1);
  VitalsPage page = VitalsPage::map(memory.get(), 1).value();
  page.stepping(7, 1);

  tell_culprit(page, 0);

  EXPECT_EQ(word_at(memory, kCulprit), 0U);
  EXPECT_EQ(word_at(memory, kStepping), 0U);
}

TEST(VitalsPage, WhatIsPrivateIsSeenByNobody) {
  const Descriptor memory = make_vitals_memory(1);
  VitalsPage page = VitalsPage::map(memory.get(), 1).value();
  page.culprit(7);

  page.become_private();
  page.culprit(9);

  EXPECT_EQ(word_at(memory, kCulprit), 7U);
}

TEST(VitalsPage, TakesWindowsFromOneToTheLargest) {
  for (const std::uint32_t window : {1U, protocol::kMaxWindow}) {
    const Descriptor memory = make_vitals_memory(window);
    EXPECT_TRUE(VitalsPage::map(memory.get(), window).has_value()) << window;
  }
  for (const std::uint32_t window : {0U, protocol::kMaxWindow + 1}) {
    const Descriptor memory = make_vitals_memory(window);
    const auto page = VitalsPage::map(memory.get(), window);
    ASSERT_FALSE(page.has_value()) << window;
    EXPECT_NE(page.error().find("1 to 4096"), std::string::npos) << page.error();
  }
}

TEST(VitalsPage, RefusesMemoryOfAnotherSize) {
  const Descriptor memory = make_vitals_memory(4);

  EXPECT_FALSE(VitalsPage::map(memory.get(), 3).has_value());
  EXPECT_TRUE(VitalsPage::map(memory.get(), 4).has_value());
  EXPECT_FALSE(VitalsPage::map(memory.get(), 5).has_value());
}

}  // namespace
}  // namespace lambdapool::worker
