#include "worker/channel/body_memories.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

namespace lambdapool::worker {
namespace {

constexpr std::size_t kSize = 8192;

class BodyMemoriesTest : public testing::Test {
 protected:
  static protocol::FileDescriptor make(std::string_view bytes, std::size_t size = kSize) {
    protocol::FileDescriptor memory(memfd_create("lambdapool-body", MFD_CLOEXEC));
    EXPECT_EQ(ftruncate(memory.get(), static_cast<off_t>(size)), 0);
    EXPECT_EQ(pwrite(memory.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    return memory;
  }
  static int mappings() {
    std::ifstream maps("/proc/self/maps");
    int found = 0;
    for (std::string line; std::getline(maps, line);) {
      if (line.find("lambdapool-body") != std::string::npos) ++found;
    }
    return found;
  }

  BodyMemories memories_;
};

TEST_F(BodyMemoriesTest, ABodyIsReadAgainAndAgainWithoutTheDescriptor) {
  EXPECT_FALSE(memories_.knows(7));
  {
    const auto memory = make("first");
    EXPECT_TRUE(memories_.add(7, memory));
    EXPECT_TRUE(memories_.knows(7));
    EXPECT_EQ(memories_.read(7, 5).value(), "first");
    EXPECT_EQ(pwrite(memory.get(), "again", 5, 0), 5);
  }
  EXPECT_EQ(memories_.read(7, 5).value(), "again");
}

TEST_F(BodyMemoriesTest, ABodyMayFillItsMemoryAndNotExceedIt) {
  EXPECT_TRUE(memories_.add(1, make("")));

  EXPECT_EQ(memories_.read(1, kSize).value().size(), kSize);
  EXPECT_EQ(memories_.read(1, kSize + 1).error(), BodyMemoryError::kTooSmall);
}

TEST_F(BodyMemoriesTest, WhatIsForgottenIsUnmappedAndMayComeAgain) {
  EXPECT_TRUE(memories_.add(1, make("one")));
  EXPECT_TRUE(memories_.add(2, make("two")));
  EXPECT_EQ(mappings(), 2);

  EXPECT_TRUE(memories_.forget(1));
  EXPECT_EQ(mappings(), 1);
  EXPECT_FALSE(memories_.knows(1));
  EXPECT_FALSE(memories_.forget(1));
  EXPECT_EQ(memories_.read(2, 3).value(), "two");
  EXPECT_TRUE(memories_.add(1, make("new")));
  EXPECT_EQ(memories_.read(1, 3).value(), "new");
}

TEST_F(BodyMemoriesTest, NothingStaysMappedAfterTheEnd) {
  {
    BodyMemories memories;
    EXPECT_TRUE(memories.add(1, make("one")));
    EXPECT_FALSE(memories.add(2, {}));
  }
  EXPECT_EQ(mappings(), 0);
}

TEST_F(BodyMemoriesTest, ADescriptorThatCouldNotBeTakenIsSaidToBeOneTooMany) {
  EXPECT_FALSE(memories_.add(1, {}));
  EXPECT_TRUE(memories_.knows(1));

  EXPECT_EQ(memories_.read(1, 1).error(), BodyMemoryError::kUnusable);
  EXPECT_EQ(errno, EMFILE);
  EXPECT_TRUE(memories_.forget(1));
  EXPECT_TRUE(memories_.add(1, make("one")));
}

TEST_F(BodyMemoriesTest, MemoryForWhichThereIsNoAddressSpaceSaysSo) {
  // More than there is.
  const std::size_t size = std::size_t{1} << 60;
  protocol::FileDescriptor memory(memfd_create("lambdapool-body", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(memory.get(), static_cast<off_t>(size)), 0);

  EXPECT_FALSE(memories_.add(1, memory));
  EXPECT_EQ(memories_.read(1, 1).error(), BodyMemoryError::kUnusable);
  EXPECT_EQ(errno, ENOMEM);
}

TEST_F(BodyMemoriesTest, AForkedChildHasNoneOfThem) {
  EXPECT_TRUE(memories_.add(1, make("one")));

  const pid_t child = fork();
  if (child == 0) _exit(mappings());
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace lambdapool::worker
