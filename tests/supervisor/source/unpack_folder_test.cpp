#include "supervisor/source/unpack_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace lambdapool::supervisor {
namespace {

namespace fs = std::filesystem;

class UnpackFolderTest : public testing::Test {
 protected:
  UnpackFolderTest() {
    std::string folder = "/tmp/lambdapool_unpack_test_XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    parent_ = folder;
  }
  ~UnpackFolderTest() override { fs::remove_all(parent_); }

  std::unique_ptr<UnpackFolder> create() const {
    auto folder = UnpackFolder::create(parent_);
    EXPECT_TRUE(folder) << folder.error();
    return folder ? std::move(*folder) : nullptr;
  }
  static fs::path path_of(const UnpackFolder& folder) {
    return fs::path(folder.generation(1)).parent_path();
  }
  std::ptrdiff_t entries() const {
    return std::distance(fs::directory_iterator(parent_), fs::directory_iterator{});
  }

  // What a supervisor leaves behind that was killed.
  fs::path leave_behind(const std::string& name) const {
    const fs::path path = fs::path(parent_) / name;
    fs::create_directories(path / "1" / "package");
    std::ofstream(path / "lock") << "";
    std::ofstream(path / "1" / "package" / "lambda_main.py") << "pass";
    return path;
  }

  std::string parent_;
};

TEST_F(UnpackFolderTest, ItIsAFolderOfItsOwnThatOnlyItsOwnerCanEnter) {
  const auto folder = create();
  ASSERT_NE(folder, nullptr);

  struct stat status{};
  ASSERT_EQ(stat(path_of(*folder).c_str(), &status), 0);
  EXPECT_TRUE(S_ISDIR(status.st_mode));
  EXPECT_EQ(status.st_mode & 07777, mode_t{0700});
  EXPECT_EQ(status.st_uid, geteuid());
  EXPECT_EQ(path_of(*folder).parent_path(), parent_);
}

// systemd-tmpfiles takes nothing out of a folder that it cannot lock for itself.
TEST_F(UnpackFolderTest, ItIsLockedAgainstCleaningWhileItIsInUse) {
  const auto folder = create();
  ASSERT_NE(folder, nullptr);
  const uv::FileDescriptor cleaner(
      open(path_of(*folder).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(cleaner.open());

  EXPECT_NE(flock(cleaner.get(), LOCK_EX | LOCK_NB), 0);
}

TEST_F(UnpackFolderTest, GenerationsHavePlacesOfTheirOwnThatDoNotExistYet) {
  const auto folder = create();
  ASSERT_NE(folder, nullptr);

  EXPECT_NE(folder->generation(1), folder->generation(2));
  EXPECT_EQ(path_of(*folder), fs::path(folder->generation(2)).parent_path());
  EXPECT_FALSE(fs::exists(folder->generation(1)));
}

TEST_F(UnpackFolderTest, ItIsRemovedWithItsContents) {
  auto folder = create();
  ASSERT_NE(folder, nullptr);
  fs::create_directories(folder->generation(1) + "/package");
  std::ofstream(folder->generation(1) + "/package/lambda_main.py") << "pass";

  folder.reset();

  EXPECT_EQ(entries(), 0);
}

TEST_F(UnpackFolderTest, WhatADeadOwnerLeftBehindIsRemoved) {
  leave_behind("lambdapool-abc123");
  leave_behind("lambdapool-def456");

  const auto folder = create();

  EXPECT_EQ(entries(), 1);
}

TEST_F(UnpackFolderTest, TheFolderOfALivingOwnerIsKept) {
  const auto first = create();
  ASSERT_NE(first, nullptr);
  fs::create_directories(first->generation(1));

  const auto second = create();
  ASSERT_NE(second, nullptr);

  EXPECT_TRUE(fs::exists(first->generation(1)));
  EXPECT_NE(path_of(*first), path_of(*second));
}

TEST_F(UnpackFolderTest, WhatIsNotOursIsKept) {
  const fs::path other_name = leave_behind("other-abc123");
  const fs::path without_lock = fs::path(parent_) / "lambdapool-nolock";
  fs::create_directories(without_lock);
  const fs::path file = fs::path(parent_) / "lambdapool-file";
  std::ofstream(file) << "text";

  const auto folder = create();

  EXPECT_TRUE(fs::exists(other_name / "1"));
  EXPECT_TRUE(fs::exists(without_lock));
  EXPECT_TRUE(fs::exists(file));
}

TEST_F(UnpackFolderTest, ALinkIsNotFollowed) {
  const fs::path target = leave_behind("elsewhere");
  fs::create_directory_symlink(target, fs::path(parent_) / "lambdapool-link");
  const fs::path with_link = leave_behind("lambdapool-abc123");
  fs::create_directory_symlink(target, with_link / "1" / "link");

  const auto folder = create();

  EXPECT_FALSE(fs::exists(with_link));
  EXPECT_TRUE(fs::exists(target / "1" / "package" / "lambda_main.py"));
}

TEST_F(UnpackFolderTest, ALockThatIsALinkIsNotOpened) {
  const fs::path folder_with_link = fs::path(parent_) / "lambdapool-abc123";
  fs::create_directories(folder_with_link);
  fs::create_symlink("/etc/hostname", folder_with_link / "lock");

  const auto folder = create();

  EXPECT_TRUE(fs::exists(folder_with_link));
}

TEST_F(UnpackFolderTest, AParentThatCannotBeWrittenIsNamedWithItsKey) {
  const auto folder = UnpackFolder::create(parent_ + "/missing");

  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().find(parent_ + "/missing"), std::string::npos) << folder.error();
  EXPECT_NE(folder.error().find("lambda.unpack_dir"), std::string::npos) << folder.error();
}

TEST_F(UnpackFolderTest, ATemporaryFolderThatIsNotThereIsToldAndTheCurrentOneNotTakenForIt) {
  const char* const before = getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  setenv("TMPDIR", (parent_ + "/missing").c_str(), 1);

  const auto folder = UnpackFolder::create("");

  if (before != nullptr) {
    setenv("TMPDIR", kept.c_str(), 1);
  } else {
    unsetenv("TMPDIR");
  }
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().find("TMPDIR"), std::string::npos) << folder.error();
  EXPECT_NE(folder.error().find("lambda.unpack_dir"), std::string::npos) << folder.error();
}

TEST_F(UnpackFolderTest, WithoutAParentItIsInTheSystemsTemporaryFolder) {
  const auto folder = UnpackFolder::create("");

  ASSERT_TRUE(folder) << folder.error();
  EXPECT_EQ(path_of(**folder).parent_path(), fs::temp_directory_path());
}

}  // namespace
}  // namespace lambdapool::supervisor
