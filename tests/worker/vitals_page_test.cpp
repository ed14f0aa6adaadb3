#include "worker/channel/vitals_page.h"

#include <gtest/gtest.h>

#include "tests/worker/channel_pair.h"

namespace lambdapool::worker {
namespace {

// What the supervisor sees of it: the bytes of the memory, mapped by nobody else.
std::uint64_t word_at(const Descriptor& memory, std::size_t index) {
  std::uint64_t word = 0;
  EXPECT_EQ(pread(memory.get(), &word, sizeof word, static_cast<off_t>(index * sizeof word)),
            ssize_t{sizeof word});
  return word;
}

TEST(VitalsPage, WhatBeginsIsSeenInItsSlotAndInNoOther) {
  const Descriptor memory = make_vitals_memory(3);
  VitalsPage page = VitalsPage::map(memory.get(), 3).value();

  page.begin(0, 7);
  page.begin(2, 9);

  EXPECT_EQ(word_at(memory, 1), 7U);
  EXPECT_EQ(word_at(memory, 2), 0U);
  EXPECT_EQ(word_at(memory, 3), 9U);
}

TEST(VitalsPage, CountsFramesTaken) {
  const Descriptor memory = make_vitals_memory(1);
  VitalsPage page = VitalsPage::map(memory.get(), 1).value();

  page.frame_taken();
  page.frame_taken();

  EXPECT_EQ(word_at(memory, 0), 2U);
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
