#include "supervisor/crash/crash_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/supervisor/support/memory_log.h"
#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CrashFolderTest : public testing::Test {
 protected:
  CrashFolderTest() {
    std::string name = testing::TempDir() + "/crashesXXXXXX";
    root_ = mkdtemp(name.data());
    folder_ = root_ + "/below/crashes";
  }
  ~CrashFolderTest() override { std::filesystem::remove_all(root_); }

  static std::string name(int number) { return "crash-" + std::to_string(1000 + number) + ".json"; }
  std::string write(int number, std::size_t bytes, CrashFolderLimits limits) const {
    return write_crash_file(folder_, name(number), std::string(bytes, 'x'), limits);
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
  }

  std::string root_;
  std::string folder_;
};

TEST_F(CrashFolderTest, TheFolderIsMadeAndTheFileIsItsOwnersAlone) {
  EXPECT_EQ(write(1, 10, {}), "");

  EXPECT_THAT(files(), ElementsAre(name(1)));
  EXPECT_EQ(std::filesystem::status(folder_ + "/" + name(1)).permissions(),
            std::filesystem::perms(0600));
  EXPECT_EQ(std::filesystem::file_size(folder_ + "/" + name(1)), 10);
}

TEST_F(CrashFolderTest, TheOldestGoWhenThereAreTooMany) {
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(write(i, 10, {.files = 3}), "");
  EXPECT_THAT(files(), ElementsAre(name(1), name(2), name(3)));

  EXPECT_EQ(write(4, 10, {.files = 3}), "");

  EXPECT_THAT(files(), ElementsAre(name(2), name(3), name(4)));
}

TEST_F(CrashFolderTest, TheOldestGoWhenTheyTakeTooMuch) {
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(write(i, 10, {.files = 9, .bytes = 30}), "");
  EXPECT_THAT(files(), ElementsAre(name(1), name(2), name(3)));

  EXPECT_EQ(write(4, 11, {.files = 9, .bytes = 30}), "");

  EXPECT_THAT(files(), ElementsAre(name(3), name(4)));
}

TEST_F(CrashFolderTest, OneThatIsLargerThanAllMayBeIsNotWritten) {
  EXPECT_EQ(write(1, 30, {.files = 9, .bytes = 30}), "");
  EXPECT_THAT(write(2, 31, {.files = 9, .bytes = 30}), HasSubstr("larger than crash.max_size"));

  EXPECT_THAT(files(), ElementsAre(name(1)));
}

TEST_F(CrashFolderTest, OtherFilesAreNeitherCountedNorRemoved) {
  std::filesystem::create_directories(folder_);
  std::ofstream(folder_ + "/crash-notes.txt") << std::string(100, 'x');
  std::ofstream(folder_ + "/a.json") << std::string(100, 'x');

  EXPECT_EQ(write(1, 10, {.files = 1, .bytes = 30}), "");

  EXPECT_THAT(files(), ElementsAre("a.json", name(1), "crash-notes.txt"));
}

TEST_F(CrashFolderTest, WhereNoFolderCanBeIsTold) {
  std::ofstream(root_ + "/file") << "x";

  EXPECT_THAT(write_crash_file(root_ + "/file", name(1), "x", {}), HasSubstr("file"));
  EXPECT_THAT(write_crash_file(root_ + "/file/below", name(1), "x", {}), HasSubstr("file/below"));
}

TEST_F(CrashFolderTest, FilesAreWrittenWhileTheLoopTurns) {
  uv::Loop loop;
  MemoryLog log;
  CrashFolder folder(loop, log, folder_, {.files = 2});

  for (int i = 1; i <= 5; ++i) EXPECT_EQ(folder.write(name(i), "{}"), folder_ + "/" + name(i));
  loop.run();

  EXPECT_THAT(files(), ElementsAre(name(4), name(5)));
  EXPECT_EQ(log.all(), "");
}

TEST_F(CrashFolderTest, AReasonIsToldOnceInARow) {
  std::ofstream(root_ + "/below") << "x";
  uv::Loop loop;
  MemoryLog log;
  CrashFolder folder(loop, log, folder_, {});

  for (int i = 1; i <= 3; ++i) folder.write(name(i), "{}");
  loop.run();
  EXPECT_EQ(log.count("crash file cannot be written"), 1);
  std::filesystem::remove(root_ + "/below");
  folder.write(name(4), "{}");
  loop.run();
  EXPECT_THAT(files(), ElementsAre(name(4)));
  std::filesystem::remove_all(root_ + "/below");
  std::ofstream(root_ + "/below") << "x";
  folder.write(name(5), "{}");
  loop.run();

  EXPECT_EQ(log.count("crash file cannot be written"), 2);
}

TEST_F(CrashFolderTest, MoreThanCanWaitAreDropped) {
  uv::Loop loop;
  MemoryLog log;
  CrashFolder folder(loop, log, folder_, {.files = 1000});
  std::size_t taken = 0;

  // One more than may wait is being written.
  for (int i = 0; i < 70; ++i) taken += folder.write(name(i), "{}").empty() ? 0 : 1;
  loop.run();

  EXPECT_EQ(taken, CrashFolder::kMostWaiting + 1);
  EXPECT_EQ(files().size(), taken);
  EXPECT_EQ(log.count("some are left out"), 1);
}

TEST_F(CrashFolderTest, OneThatIsDroppedWhileItWritesCallsNobody) {
  uv::Loop loop;
  MemoryLog log;
  auto folder = std::make_unique<CrashFolder>(loop, log, folder_, CrashFolderLimits{});
  folder->write(name(1), "{}");

  folder.reset();
  loop.run();

  EXPECT_THAT(files(), ElementsAre(name(1)));
}

}  // namespace
}  // namespace lambdapool::supervisor
