#include "supervisor/pool/body.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor {
namespace {

ino_t inode(const uv::FileDescriptor& descriptor) {
  struct stat status{};
  EXPECT_EQ(fstat(descriptor.get(), &status), 0);
  return status.st_ino;
}

class BodyTest : public testing::Test {
 protected:
  Body body_of(std::size_t bytes, char fill = 'x') {
    Body body(&pool_);
    body.expect(bytes);
    body.append(std::string(bytes, fill));
    return body;
  }

  uv::Loop loop_;
  BodyPool pool_{loop_};
};

TEST_F(BodyTest, OnlyWhatIsOverTheThresholdIsInMemory) {
  EXPECT_FALSE(body_of(kLargestBodyInFrame).in_memory());
  EXPECT_TRUE(body_of(kLargestBodyInFrame + 1).in_memory());
  EXPECT_FALSE(body_of(kLargestBodyInFrame).lend().open());
  EXPECT_TRUE(body_of(kLargestBodyInFrame + 1).lend().open());
}

TEST_F(BodyTest, NothingIsTakenForWhatWasOnlyAnnounced) {
  Body body(&pool_);
  body.expect(std::size_t{100} << 20);
  body.append("few");

  EXPECT_FALSE(body.in_memory());
  EXPECT_TRUE(body.space().empty());
  EXPECT_EQ(body.view(), "few");
}

TEST_F(BodyTest, ABodyOfUnknownLengthGrowsByteByByte) {
  Body body(&pool_);
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const std::string piece(3'001, static_cast<char>('a' + i % 26));
    body.append(piece);
    expected += piece;
  }
  EXPECT_TRUE(body.in_memory());
  EXPECT_EQ(body.view(), expected);
  EXPECT_TRUE(body.space().empty());
}

TEST_F(BodyTest, WhatIsPutIntoItsSpaceIsThere) {
  Body body(&pool_);
  body.expect(100'000);
  body.append(std::string(40'000, 'a'));
  auto space = body.space();
  ASSERT_EQ(space.size(), 60'000U);
  std::fill(space.begin(), space.end(), 'b');
  body.append({space.data(), space.size()});

  EXPECT_EQ(body.view(), std::string(40'000, 'a') + std::string(60'000, 'b'));
  EXPECT_TRUE(body.space().empty());
}

TEST_F(BodyTest, AWorkerCanReadItAndCanNeitherChangeNorShrinkIt) {
  Body body = body_of(100'000, 'q');
  const auto given = body.lend();

  char byte = 0;
  EXPECT_EQ(pread(given.get(), &byte, 1, 99'999), 1);
  EXPECT_EQ(byte, 'q');
  EXPECT_EQ(pwrite(given.get(), "z", 1, 0), -1);
  EXPECT_NE(ftruncate(given.get(), 0), 0);
  EXPECT_NE(ftruncate(given.get(), std::size_t{1} << 30), 0);
  EXPECT_NE(fallocate(given.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
  EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, given.get(), 0), MAP_FAILED);
  EXPECT_EQ(body.view(), std::string(100'000, 'q'));
}

TEST_F(BodyTest, MemoryIsUsedAgainWhenItsWorkerIsDoneWithIt) {
  ino_t first = 0;
  {
    Body body = body_of(100'000);
    first = inode(body.lend());
    body.returned();
  }
  EXPECT_GE(pool_.idle_bytes(), 100'000U);
  EXPECT_EQ(inode(body_of(100'000).lend()), first);
}

TEST_F(BodyTest, MemoryIsNotUsedAgainWhileAWorkerMayReadIt) {
  uv::FileDescriptor worker;
  {
    Body body = body_of(100'000, 'a');
    worker = body.lend();
  }
  EXPECT_EQ(pool_.idle_bytes(), 0U);
  Body next = body_of(100'000, 'b');
  EXPECT_NE(inode(next.lend()), inode(worker));
  char byte = 0;
  EXPECT_EQ(pread(worker.get(), &byte, 1, 0), 1);
  EXPECT_EQ(byte, 'a');
}

TEST_F(BodyTest, WhatIsKeptIsBounded) {
  for (int i = 0; i < 3; ++i) {
    Body first = body_of(std::size_t{30} << 20);
    Body second = body_of(std::size_t{30} << 20);
    Body third = body_of(std::size_t{30} << 20);
  }
  EXPECT_LE(pool_.idle_bytes(), std::size_t{64} << 20);
}

TEST_F(BodyTest, WhatIsKeptIsGivenBackAfterAWhile) {
  {
    Body body = body_of(1'000'000);
  }
  EXPECT_GT(pool_.idle_bytes(), 0U);
  EXPECT_TRUE(run_until(loop_, [&] { return pool_.idle_bytes() == 0; }));
}

TEST_F(BodyTest, AMovedBodyIsWholeAndItsSourceEmpty) {
  Body from = body_of(100'000, 'm');
  Body to = std::move(from);

  EXPECT_EQ(to.view(), std::string(100'000, 'm'));
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is what is tested.
}

TEST_F(BodyTest, WithoutAPoolABodyIsBytes) {
  Body body;
  body.append(std::string(100'000, 'x'));
  EXPECT_FALSE(body.in_memory());
  EXPECT_EQ(body.size(), 100'000U);
}

}  // namespace
}  // namespace lambdapool::supervisor
