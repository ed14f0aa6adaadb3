#include "supervisor/pool/request_slots.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/supervisor/support/answers.h"

namespace lambdapool::supervisor {
namespace {

class RequestSlotsTest : public testing::Test {
 protected:
  RequestSlots::Slot& take(RequestSlots& slots) { return slots.take(answers_.request(1)); }

  Answers answers_;
  std::uint64_t count_ = 0;
};

TEST_F(RequestSlotsTest, AWindowOfOneHoldsOneRequest) {
  RequestSlots slots(1, count_);
  EXPECT_FALSE(slots.full());

  RequestSlots::Slot& slot = take(slots);
  EXPECT_TRUE(slots.full());
  EXPECT_EQ(slots.busy(), 1U);

  slots.release(slot);
  EXPECT_FALSE(slots.full());
  EXPECT_EQ(slots.busy(), 0U);
}

TEST_F(RequestSlotsTest, TheLargestWindowHoldsAsManyRequestsEachInASlotBelowIt) {
  RequestSlots slots(protocol::kMaxWindow, count_);
  std::set<std::uint32_t> indexes;

  for (std::uint32_t i = 0; i < protocol::kMaxWindow; ++i) {
    EXPECT_FALSE(slots.full());
    indexes.insert(RequestSlots::index(take(slots)));
  }

  EXPECT_TRUE(slots.full());
  EXPECT_EQ(indexes.size(), protocol::kMaxWindow);
  EXPECT_LT(*indexes.rbegin(), protocol::kMaxWindow);
}

TEST_F(RequestSlotsTest, NoIdIsGivenTwice) {
  RequestSlots slots(3, count_);
  std::set<std::uint64_t> ids;

  for (int round = 0; round < 1000; ++round) {
    RequestSlots::Slot& first = take(slots);
    RequestSlots::Slot& second = take(slots);
    ids.insert(first.id);
    ids.insert(second.id);
    slots.release(first);
    slots.release(second);
  }

  EXPECT_EQ(ids.size(), 2000U);
  EXPECT_FALSE(ids.contains(0));
}

TEST_F(RequestSlotsTest, WorkersThatCountTogetherNeverGiveTheSameId) {
  RequestSlots first(1, count_);
  RequestSlots second(1, count_);

  EXPECT_NE(take(first).id, take(second).id);
}

TEST_F(RequestSlotsTest, ABusySlotIsFoundByItsId) {
  RequestSlots slots(2, count_);
  const RequestSlots::Slot& first = take(slots);
  const RequestSlots::Slot& second = take(slots);

  EXPECT_EQ(slots.find(first.id), &first);
  EXPECT_EQ(slots.find(second.id), &second);
}

TEST_F(RequestSlotsTest, AStaleIdIsNotFoundAlsoWhenItsSlotIsBusyAgain) {
  RequestSlots slots(1, count_);
  RequestSlots::Slot& slot = take(slots);
  const std::uint64_t stale = slot.id;

  slots.release(slot);
  EXPECT_EQ(slots.find(stale), nullptr);

  take(slots);
  EXPECT_EQ(slots.find(stale), nullptr);
}

TEST_F(RequestSlotsTest, IdsThatWereNeverGivenAreNotFound) {
  RequestSlots slots(2, count_);
  const RequestSlots::Slot& slot = take(slots);

  for (const std::uint64_t id : {std::uint64_t{0}, std::uint64_t{1}, slot.id + 1, slot.id + 4096,
                                 slot.id - 4096, slot.id | 4095, ~std::uint64_t{0}}) {
    EXPECT_EQ(slots.find(id), nullptr) << id;
  }
}

TEST_F(RequestSlotsTest, ASlotThatIsTakenAgainIsNotCancelled) {
  RequestSlots slots(1, count_);
  RequestSlots::Slot& slot = take(slots);
  slot.cancel_frame = 7;

  slots.release(slot);

  EXPECT_EQ(take(slots).cancel_frame, 0U);
}

TEST_F(RequestSlotsTest, AnAnsweredRequestKeepsItsSlotBusyUntilItIsReleased) {
  RequestSlots slots(1, count_);
  RequestSlots::Slot& slot = take(slots);

  abandon(std::move(slot.invocation));

  EXPECT_TRUE(slots.full());
  EXPECT_EQ(slots.find(slot.id), &slot);
}

TEST_F(RequestSlotsTest, EveryBusySlotIsVisitedOnceAndNoOther) {
  RequestSlots slots(4, count_);
  const std::uint64_t first = take(slots).id;
  RequestSlots::Slot& freed = take(slots);
  const std::uint64_t third = take(slots).id;
  slots.release(freed);
  std::multiset<std::uint64_t> visited;

  slots.for_each_busy([&](RequestSlots::Slot& slot) { visited.insert(slot.id); });

  EXPECT_EQ(visited, (std::multiset<std::uint64_t>{first, third}));
}

TEST_F(RequestSlotsTest, ReleasingASlotThatWasNotAnsweredAnswersIt) {
  RequestSlots slots(1, count_);
  RequestSlots::Slot& slot = take(slots);

  slots.release(slot);

  EXPECT_EQ(answers_.of(1).kind, "internal");
}

}  // namespace
}  // namespace lambdapool::supervisor
