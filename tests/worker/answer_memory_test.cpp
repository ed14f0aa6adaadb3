#include "worker/channel/answer_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "protocol/frame.h"
#include "tests/worker/channel_pair.h"

namespace lambdapool::worker {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kCapacity = std::size_t{16} << 20;

// The memory, and the supervisor's view of it in the hands of the test.
class AnswerMemoryTest : public testing::Test {
 protected:
  AnswerMemoryTest() : descriptor_(memfd_create("answers", MFD_CLOEXEC)) {
    if (ftruncate(descriptor_.get(), kCapacity) != 0) std::abort();
    memory_ = std::make_unique<AnswerMemory>(share(), kCapacity);
  }
  protocol::FileDescriptor share() const {
    return protocol::FileDescriptor(dup(descriptor_.get()));
  }
  std::string at(std::uint64_t place, std::size_t bytes) const {
    std::string read(bytes, '\0');
    const auto count = pread(descriptor_.get(), read.data(), bytes, static_cast<off_t>(place));
    EXPECT_EQ(count, static_cast<ssize_t>(bytes));
    return read;
  }
  // What the system has given, in bytes.
  std::size_t given() const {
    struct stat status{};
    fstat(descriptor_.get(), &status);
    return static_cast<std::size_t>(status.st_blocks) * 512;
  }

  class Kept final : public Keeper {
   public:
    Kept(int& count, bool& shared) : count_(count), shared_(shared) { ++count_; }
    ~Kept() override { --count_; }
    bool shared() const override { return shared_; }

   private:
    int& count_;
    bool& shared_;
  };
  std::unique_ptr<Keeper> keep() { return std::make_unique<Kept>(kept_, shared_); }
  std::optional<std::uint64_t> put(std::string_view bytes) {
    auto keeper = keep();
    return memory_->put(bytes, keeper);
  }

  Descriptor descriptor_;
  std::unique_ptr<AnswerMemory> memory_;
  int kept_ = 0;
  bool shared_ = false;  // Whether the lambda holds all that was put there.
};

TEST_F(AnswerMemoryTest, ItTakesWhatIsLargeAndFits) {
  EXPECT_FALSE(memory_->takes(kLeastInMemory - 1));
  EXPECT_TRUE(memory_->takes(kLeastInMemory));
  EXPECT_TRUE(memory_->takes(kCapacity));
  EXPECT_FALSE(memory_->takes(kCapacity + 1));
}

TEST_F(AnswerMemoryTest, WhatIsPutThereStaysUntilItsPlaceIsFree) {
  const std::string first(kLeastInMemory + 1, 'a');
  const std::string second(kLeastInMemory, 'b');

  const auto one = put(first);
  const auto two = put(second);

  ASSERT_TRUE(one && two);
  EXPECT_EQ(at(*one, first.size()), first);
  EXPECT_EQ(at(*two, second.size()), second);
  EXPECT_TRUE(memory_->free(*one));
  EXPECT_FALSE(memory_->free(*one));
  const std::string third(kLeastInMemory, 'c');
  EXPECT_EQ(put(third), one);
}

TEST_F(AnswerMemoryTest, LittleIsThereAtATimeButOneBodyMayBeLarge) {
  constexpr std::size_t kQuarter = kMostInMemory / 4;
  const std::vector<std::string> quarters(5, std::string(kQuarter, 'a'));
  for (std::size_t i = 0; i < 4; ++i) ASSERT_TRUE(put(quarters[i])) << i;

  EXPECT_FALSE(put(quarters[4]));
  EXPECT_TRUE(memory_->takes(kQuarter));
  EXPECT_TRUE(memory_->free(0));
  EXPECT_TRUE(put(quarters[4]));
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_TRUE(memory_->free(i * kQuarter));
  EXPECT_EQ(put(std::string(kCapacity, 'b')), 0U);
}

TEST_F(AnswerMemoryTest, ItGoesBackToTheSystemWhenNothingIsInIt) {
  const auto place = put(std::string(std::size_t{1} << 20, 'a'));
  ASSERT_TRUE(place);
  memory_->forget();
  EXPECT_GE(given(), std::size_t{1} << 20);

  memory_->free(*place);
  memory_->forget();

  EXPECT_EQ(given(), 0U);
  EXPECT_EQ(put(std::string(kLeastInMemory, 'b')), 0U);
  EXPECT_EQ(at(0, 3), "bbb");
}

TEST_F(AnswerMemoryTest, WithoutAddressSpaceItTakesNothing) {
  rlimit before{};
  getrlimit(RLIMIT_AS, &before);
  const rlimit none{std::size_t{1} << 20, before.rlim_max};
  const std::string body(kLeastInMemory, 'a');
  setrlimit(RLIMIT_AS, &none);

  const auto place = put(body);

  setrlimit(RLIMIT_AS, &before);
  EXPECT_FALSE(place);
  EXPECT_FALSE(memory_->takes(body.size()));
}

TEST_F(AnswerMemoryTest, BytesThatTheLambdaHoldsArePutThereOnce) {
  shared_ = true;
  const std::string body(kLeastInMemory, 'a');
  const auto place = put(body);
  ASSERT_TRUE(place);

  EXPECT_EQ(put(body), place);
  EXPECT_TRUE(memory_->free(*place));
  EXPECT_TRUE(memory_->free(*place));
  EXPECT_FALSE(memory_->free(*place));
  EXPECT_EQ(kept_, 1);
  EXPECT_EQ(put(body), place);
  EXPECT_EQ(kept_, 1);
  EXPECT_NE(put(std::string(body)), place);
}

TEST_F(AnswerMemoryTest, BytesThatNobodyElseHoldsAreLetGoOfWhenTheirPlaceIsFree) {
  const auto place = put(std::string(kLeastInMemory, 'a'));
  EXPECT_EQ(kept_, 1);

  memory_->free(*place);

  EXPECT_EQ(kept_, 0);
}

TEST_F(AnswerMemoryTest, BytesThatNobodyElseHoldsCanBeLetGoOfAtOnce) {
  std::string body(kLeastInMemory, 'a');
  const auto place = put(body);
  ASSERT_TRUE(place);

  memory_->let_go();

  EXPECT_EQ(kept_, 0);
  // The same address means nothing any more.
  body.assign(kLeastInMemory, 'b');
  const auto next = put(body);
  ASSERT_TRUE(next);
  EXPECT_NE(next, place);
  EXPECT_EQ(at(*place, 3), "aaa");
  EXPECT_EQ(at(*next, 3), "bbb");
  EXPECT_TRUE(memory_->free(*place));
  EXPECT_FALSE(memory_->free(*place));
  EXPECT_TRUE(memory_->free(*next));
}

TEST_F(AnswerMemoryTest, BytesThatTheLambdaHoldsAreNotLetGoOf) {
  shared_ = true;
  const std::string body(kLeastInMemory, 'a');
  const auto place = put(body);

  memory_->let_go();

  EXPECT_EQ(kept_, 1);
  EXPECT_EQ(put(body), place);
}

TEST_F(AnswerMemoryTest, LittleOfWhatTheLambdaHoldsIsKept) {
  shared_ = true;
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i <= kMostHeld / kMostInMemory; ++i)
    bodies.emplace_back(kMostInMemory, 'a');

  for (const std::string& body : bodies) {
    const auto place = put(body);
    ASSERT_TRUE(place);
    memory_->free(*place);
  }

  EXPECT_EQ(kept_, 1);
}

TEST_F(AnswerMemoryTest, WhatIsKeptMakesRoomForWhatIsNew) {
  shared_ = true;
  const std::string body(kMostInMemory, 'a');
  const std::string all(kCapacity, 'b');
  memory_->free(*put(body));
  EXPECT_EQ(kept_, 1);

  EXPECT_EQ(put(all), 0U);

  EXPECT_EQ(kept_, 1);
  EXPECT_EQ(at(0, 3), "bbb");
}

TEST_F(AnswerMemoryTest, WhatIsKeptGoesWhenNothingIsSentForAWhile) {
  shared_ = true;
  memory_->free(*put(std::string(kLeastInMemory, 'a')));

  memory_->forget();

  EXPECT_EQ(kept_, 0);
  EXPECT_EQ(given(), 0U);
}

// The channel with such memory.

class ChannelWithAnswerMemory : public AnswerMemoryTest {
 protected:
  ChannelWithAnswerMemory() { io_.use_answer_memory(share(), kCapacity); }

  void queue(std::uint64_t id, std::string_view body) {
    io_.queue_response(
        {.id = id, .status = 200, .headers = {{"A", "b"}}, .body = body, .route = "/r"}, keep());
  }
  protocol::Response response(std::size_t index) {
    return pair_.message<protocol::Response>(index);
  }

  ChannelPair pair_;
  ChannelIo io_{pair_.worker_fd()};
};

TEST_F(ChannelWithAnswerMemory, ALargeBodyIsPutThereAndNeededNoMore) {
  const std::string body(100'000, 'a');
  queue(7, body);
  EXPECT_EQ(io_.write(), WriteState::kWritten);

  ASSERT_EQ(pair_.read_frames().size(), 1U);
  const protocol::Response told = response(0);
  EXPECT_EQ(told.id, 7U);
  EXPECT_EQ(told.headers, (protocol::Fields{{"A", "b"}}));
  EXPECT_EQ(told.route, "/r");
  EXPECT_EQ(told.body, "");
  EXPECT_EQ(told.body_in_memory, body.size());
  EXPECT_EQ(at(told.place, body.size()), body);
  EXPECT_EQ(kept_, 0);
  EXPECT_TRUE(io_.memory_free(told.place));
}

TEST_F(ChannelWithAnswerMemory, ASmallBodyGoesInTheFrame) {
  const std::string body(kLeastInMemory - 1, 'a');
  queue(7, body);
  EXPECT_EQ(io_.write(), WriteState::kWritten);

  ASSERT_EQ(pair_.read_frames().size(), 1U);
  EXPECT_EQ(response(0).body, body);
  EXPECT_EQ(response(0).body_in_memory, 0U);
}

TEST_F(ChannelWithAnswerMemory, WhatHasNoRoomWaitsInItsOrderUntilThereIs) {
  const std::string large(kMostInMemory, 'a');
  const std::string as_large(kMostInMemory, 'c');
  const std::string other(100'000, 'b');
  queue(1, large);
  queue(2, as_large);
  queue(3, other);
  EXPECT_EQ(kept_, 3);
  EXPECT_EQ(io_.write(), WriteState::kWritten);
  ASSERT_EQ(pair_.read_frames().size(), 1U);

  EXPECT_TRUE(io_.memory_free(response(0).place));
  EXPECT_EQ(io_.write(), WriteState::kWritten);

  ASSERT_EQ(pair_.read_frames().size(), 2U);
  EXPECT_EQ(response(1).id, 2U);
  EXPECT_EQ(kept_, 1);
  EXPECT_TRUE(io_.memory_free(response(1).place));
  EXPECT_EQ(io_.write(), WriteState::kWritten);
  ASSERT_EQ(pair_.read_frames().size(), 3U);
  EXPECT_EQ(response(2).id, 3U);
  EXPECT_EQ(response(2).headers, (protocol::Fields{{"A", "b"}}));
  EXPECT_EQ(response(2).body_in_memory, other.size());
  EXPECT_EQ(at(response(2).place, other.size()), other);
  EXPECT_EQ(kept_, 0);
}

TEST_F(ChannelWithAnswerMemory, WhatWaitsForRoomGoesInFramesAtTheEnd) {
  const std::string large(kMostInMemory, 'a');
  const std::string other(100'000, 'b');
  queue(1, large);
  queue(2, other);
  EXPECT_EQ(kept_, 2);

  EXPECT_EQ(io_.flush(10s), WriteState::kWritten);

  ASSERT_EQ(pair_.read_frames().size(), 2U);
  EXPECT_EQ(response(0).body_in_memory, large.size());
  EXPECT_EQ(response(1).id, 2U);
  EXPECT_EQ(response(1).body, other);
  EXPECT_EQ(kept_, 0);
}

TEST_F(ChannelWithAnswerMemory, AFreePlaceThatWasNotInUseIsSaidToBeWrong) {
  EXPECT_FALSE(io_.memory_free(0));
  const std::string body(100'000, 'a');
  queue(1, body);

  EXPECT_FALSE(io_.memory_free(4096));
  EXPECT_TRUE(io_.memory_free(0));
  EXPECT_FALSE(io_.memory_free(0));
}

}  // namespace
}  // namespace lambdapool::worker
