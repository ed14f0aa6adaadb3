#include "supervisor/pool/request_queue.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/supervisor/support/answers.h"

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;

class RequestQueueTest : public testing::Test {
 protected:
  // Takes the next request out and says whose it is.
  static std::uint64_t pop(RequestQueue& queue) {
    auto invocation = queue.pop();
    const auto number = static_cast<std::uint64_t>(invocation->connection());
    abandon(std::move(invocation));
    return number;
  }

  Answers answers_;
  const uv::TimePoint now_ = std::chrono::steady_clock::now();
};

TEST_F(RequestQueueTest, TheOldestLeavesFirst) {
  RequestQueue queue(3);
  for (const std::uint64_t number : {1, 2, 3}) queue.push(answers_.request(number), now_);

  EXPECT_EQ(pop(queue), 1U);
  EXPECT_EQ(pop(queue), 2U);
  EXPECT_EQ(pop(queue), 3U);
  EXPECT_TRUE(queue.empty());
}

TEST_F(RequestQueueTest, ItIsFullAtItsLengthAndNotBefore) {
  RequestQueue queue(2);
  EXPECT_FALSE(queue.full());
  queue.push(answers_.request(1), now_);
  EXPECT_FALSE(queue.full());
  queue.push(answers_.request(2), now_);

  EXPECT_TRUE(queue.full());
  EXPECT_EQ(queue.size(), 2U);
  pop(queue);
  EXPECT_FALSE(queue.full());
}

TEST_F(RequestQueueTest, AQueueOfNoLengthIsAlwaysFull) {
  const RequestQueue queue(0);

  EXPECT_TRUE(queue.full());
  EXPECT_TRUE(queue.empty());
}

TEST_F(RequestQueueTest, WhatComesBackGoesBeforeAllOthersAndAlwaysFits) {
  RequestQueue queue(1);
  queue.push(answers_.request(1), now_);

  queue.put_back(answers_.request(2), now_);

  EXPECT_EQ(queue.size(), 2U);
  EXPECT_TRUE(queue.full());
  EXPECT_EQ(pop(queue), 2U);
  EXPECT_EQ(pop(queue), 1U);
}

TEST_F(RequestQueueTest, EntriesThatAreTakenLeaveTheOthersInTheirOrder) {
  RequestQueue queue(4);
  for (const std::uint64_t number : {1, 2, 3, 4})
    queue.push(answers_.request(number), now_ + number * 1s);

  auto taken = queue.take_if([&](const Invocation&, uv::TimePoint since) {
    return since == now_ + 1s || since == now_ + 3s;
  });

  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0]->connection(), ConnectionId{1});
  EXPECT_EQ(taken[1]->connection(), ConnectionId{3});
  for (auto& invocation : taken) abandon(std::move(invocation));
  EXPECT_EQ(pop(queue), 2U);
  EXPECT_EQ(pop(queue), 4U);
}

TEST_F(RequestQueueTest, TakingNothingKeepsEverything) {
  RequestQueue queue(1);
  queue.push(answers_.request(1), now_);

  EXPECT_TRUE(queue.take_if([](const Invocation&, uv::TimePoint) { return false; }).empty());

  EXPECT_EQ(pop(queue), 1U);
}

TEST_F(RequestQueueTest, ADroppedQueueAnswersWhatWaitsInIt) {
  {
    RequestQueue queue(1);
    queue.push(answers_.request(1), now_);
  }

  EXPECT_EQ(answers_.of(1).kind, "internal");
}

}  // namespace
}  // namespace lambdapool::supervisor
