#include "worker/virtual_environment.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lambdapool::worker {
namespace {

namespace fs = std::filesystem;

class VirtualEnvironmentTest : public testing::Test {
 protected:
  VirtualEnvironmentTest() {
    std::string name = (fs::temp_directory_path() / "lambdapool-venv-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~VirtualEnvironmentTest() override { fs::remove_all(folder_); }

  void write(const fs::path& name, std::string_view text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  // An environment as `python3 -m venv` leaves it.
  void make(std::string_view configuration, const std::string& library = "python3.11") {
    write("bin/python3", "#!");
    write("pyvenv.cfg", configuration);
    write(fs::path("lib") / library / "site-packages" / "a.pth", "");
  }
  std::string error() const {
    return virtual_environment_program(folder_.string(), "3.11").error();
  }

  fs::path folder_;
};

TEST_F(VirtualEnvironmentTest, GivesTheProgramOfAnEnvironmentOfTheSameMinorVersion) {
  make("home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.9\n");

  EXPECT_EQ(virtual_environment_program(folder_.string(), "3.11").value(),
            (folder_ / "bin/python3").string());
}

TEST_F(VirtualEnvironmentTest, ReadsVirtualenvsOwnSpelling) {
  make("version_info=3.11.2.final.0\n");

  EXPECT_TRUE(virtual_environment_program(folder_.string(), "3.11").has_value());
}

TEST_F(VirtualEnvironmentTest, RefusesAnotherMinorVersionAndNamesBoth) {
  make("version = 3.12.1\n", "python3.12");

  EXPECT_NE(error().find("of Python 3.12"), std::string::npos) << error();
  EXPECT_NE(error().find("Python 3.11"), std::string::npos) << error();
}

TEST_F(VirtualEnvironmentTest, DoesNotTakeOneVersionForTheStartOfAnother) {
  make("version = 3.1.1\n", "python3.1");

  EXPECT_NE(error().find("of Python 3.1,"), std::string::npos) << error();
}

TEST_F(VirtualEnvironmentTest, FindsTheVersionByTheLibraryWhereTheConfigurationNamesNone) {
  make("home = /usr/bin\n", "python3.12");

  EXPECT_NE(error().find("has no lib/python3.11"), std::string::npos) << error();
}

TEST_F(VirtualEnvironmentTest, RefusesAFolderWithoutAProgram) {
  write("pyvenv.cfg", "version = 3.11.2\n");

  EXPECT_NE(error().find("has no bin/python3"), std::string::npos) << error();
  EXPECT_NE(error().find("python3.11 -m venv"), std::string::npos) << error();
}

TEST_F(VirtualEnvironmentTest, RefusesAProgramThatPointsNowhere) {
  make("version = 3.11.2\n");
  fs::remove(folder_ / "bin/python3");
  fs::create_symlink("/nonexistent/python3", folder_ / "bin/python3");

  EXPECT_NE(error().find("has no bin/python3"), std::string::npos) << error();
}

TEST_F(VirtualEnvironmentTest, RefusesAFolderThatIsNoEnvironment) {
  write("bin/python3", "#!");

  EXPECT_NE(error().find("has no readable pyvenv.cfg"), std::string::npos) << error();
}

}  // namespace
}  // namespace lambdapool::worker
