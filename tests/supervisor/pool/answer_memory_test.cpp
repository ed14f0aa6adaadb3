#include "supervisor/pool/answer_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "protocol/frame.h"
#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;

// The memory, and the worker's mapping of it in the hands of the test.
class AnswerMemoryTest : public testing::Test {
 protected:
  AnswerMemoryTest() {
    memory_ = AnswerMemory::create(loop_, {[this](std::uint64_t place) { free_.push_back(place); },
                                           [this] { ++idle_; }, [this] { return busy_; }});
    const auto descriptor = memory_->share();
    void* const mapped = mmap(nullptr, AnswerMemory::kCapacity, PROT_READ | PROT_WRITE, MAP_SHARED,
                              descriptor.get(), 0);
    EXPECT_NE(mapped, MAP_FAILED);
    worker_ = static_cast<char*>(mapped);
  }
  ~AnswerMemoryTest() override { munmap(worker_, AnswerMemory::kCapacity); }

  std::unique_ptr<uv::Content> put(std::uint64_t place, std::string_view bytes) {
    std::memcpy(worker_ + place, bytes.data(), bytes.size());
    return memory_->body(place, bytes.size());
  }
  static std::string copy(const uv::Content& body) {
    std::array<char, 64> room{};
    return {room.data(), body.copy(room)};
  }

  uv::Loop loop_;
  std::unique_ptr<AnswerMemory> memory_;
  char* worker_ = nullptr;
  std::vector<std::uint64_t> free_;
  int idle_ = 0;
  bool busy_ = false;
};

TEST_F(AnswerMemoryTest, ABodyIsWhatTheWorkerPutThere) {
  auto body = put(4096, "abcdef");

  EXPECT_EQ(body->rest(), "abcdef");
  EXPECT_EQ(copy(*body), "abcdef");
  body->sent(4);
  EXPECT_EQ(body->rest(), "ef");
  EXPECT_EQ(copy(*body), "ef");
  body->keep();
  EXPECT_EQ(body->rest(), "ef");
  EXPECT_EQ(copy(*body), "ef");
}

TEST_F(AnswerMemoryTest, ABodyMustLieWithinIt) {
  constexpr auto kEnd = AnswerMemory::kCapacity;

  EXPECT_NE(memory_->body(kEnd - 1, 1), nullptr);
  EXPECT_NE(memory_->body(0, kEnd), nullptr);
  EXPECT_EQ(memory_->body(kEnd, 1), nullptr);
  EXPECT_EQ(memory_->body(1, kEnd), nullptr);
  EXPECT_EQ(memory_->body(0, kEnd + 1), nullptr);
  EXPECT_EQ(memory_->body(UINT64_MAX, 2), nullptr);
  EXPECT_EQ(memory_->body(2, UINT64_MAX), nullptr);
  EXPECT_EQ(memory_->body(0, 0), nullptr);
  EXPECT_EQ(memory_->in_use(), 0U);
}

TEST_F(AnswerMemoryTest, TheWorkerIsToldWithTheNextRequestThatAPlaceIsFree) {
  put(4096, "abc").reset();
  EXPECT_TRUE(free_.empty());

  memory_->tell_free();
  memory_->tell_free();

  EXPECT_EQ(free_, std::vector<std::uint64_t>{4096});
}

TEST_F(AnswerMemoryTest, TheWorkerIsToldSoonWhenThereIsNoNextRequestAndThenThatItIsIdle) {
  put(4096, "abc").reset();

  EXPECT_TRUE(run_until(loop_, [&] { return !free_.empty(); }));
  EXPECT_EQ(idle_, 0);
  EXPECT_TRUE(run_until(loop_, [&] { return idle_ > 0; }));
  EXPECT_EQ(free_, std::vector<std::uint64_t>{4096});
}

TEST_F(AnswerMemoryTest, TheWorkerIsToldAtOnceWhenMuchIsFree) {
  memory_->body(0, protocol::kMostUntoldFree - 1).reset();
  EXPECT_TRUE(free_.empty());

  memory_->body(protocol::kMostUntoldFree, 1).reset();

  EXPECT_EQ(free_, (std::vector<std::uint64_t>{0, protocol::kMostUntoldFree}));
}

TEST_F(AnswerMemoryTest, ABodyStaysWhereItIsWhileNobodyCanWaitForItsRoom) {
  auto slow = put(4096, "abcdef");

  put(8192, "x").reset();
  EXPECT_TRUE(run_until(loop_, [&] { return free_.size() == 1; }));
  uv::Timer later(loop_, [] {});
  later.start(100ms);
  EXPECT_TRUE(run_until(loop_, [&] { return !later.active(); }));

  EXPECT_EQ(free_, std::vector<std::uint64_t>{8192});
  EXPECT_EQ(memory_->in_use(), 1U);
}

TEST_F(AnswerMemoryTest, ABodyThatIsNotTakenSoonIsCopiedAndItsPlaceIsFree) {
  busy_ = true;
  auto body = put(4096, "abcdef");
  body->sent(2);

  EXPECT_TRUE(run_until(loop_, [&] { return !free_.empty(); }));

  std::memset(worker_ + 4096, 'x', 6);
  EXPECT_EQ(body->rest(), "cdef");
  body.reset();
  memory_->tell_free();
  EXPECT_EQ(free_, std::vector<std::uint64_t>{4096});
}

TEST_F(AnswerMemoryTest, ABodyOutlivesTheMemory) {
  auto body = put(4096, "abcdef");
  body->sent(1);

  memory_.reset();

  EXPECT_EQ(body->rest(), "bcdef");
  EXPECT_EQ(copy(*body), "bcdef");
  EXPECT_TRUE(free_.empty());
}

TEST_F(AnswerMemoryTest, WhatTheWorkerTakesAwayIsZeros) {
  auto body = put(4096, "abc");
  ASSERT_EQ(madvise(worker_, AnswerMemory::kCapacity, MADV_REMOVE), 0);

  EXPECT_EQ(copy(*body), std::string(3, '\0'));
  body->keep();
  EXPECT_EQ(body->rest(), std::string(3, '\0'));
}

TEST_F(AnswerMemoryTest, ItsSizeIsSealed) {
  const auto descriptor = memory_->share();

  EXPECT_NE(ftruncate(descriptor.get(), 0), 0);
  EXPECT_NE(ftruncate(descriptor.get(), 2 * AnswerMemory::kCapacity), 0);
}

}  // namespace
}  // namespace lambdapool::supervisor
