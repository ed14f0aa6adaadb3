#include "worker/system_python.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lambdapool::worker {
namespace {

namespace fs = std::filesystem;

class PreloadValueTest : public testing::Test {
 protected:
  PreloadValueTest() {
    std::string name = (fs::temp_directory_path() / "lambdapool-preload-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    library_ = make("worker.so", fs::perms::owner_read);
    python_ = make("python3", fs::perms::owner_all);
  }
  ~PreloadValueTest() override { fs::remove_all(folder_); }

  std::string make(const std::string& name, fs::perms permissions) const {
    const fs::path file = folder_ / name;
    std::ofstream(file) << "";
    fs::permissions(file, permissions);
    return file.string();
  }
  std::string error(const std::string& library, const std::string& python) const {
    return preload_value(library, python, nullptr).error();
  }

  fs::path folder_;
  std::string library_;
  std::string python_;
};

TEST_F(PreloadValueTest, IsTheLibraryWhereNothingElseIsPreloaded) {
  EXPECT_EQ(preload_value(library_, python_, nullptr), library_);
  EXPECT_EQ(preload_value(library_, python_, ""), library_);
}

TEST_F(PreloadValueTest, KeepsWhatTheUserPreloadsBehindTheLibrary) {
  EXPECT_EQ(preload_value(library_, python_, "liba.so:libb.so libc.so"),
            library_ + ":liba.so:libb.so libc.so");
}

TEST_F(PreloadValueTest, IsUndoneToWhatItWasBefore) {
  for (const std::string before : {"", "liba.so", "liba.so:libb.so libc.so"}) {
    EXPECT_EQ(preloaded_before(preload_value(library_, python_, before.c_str()).value()), before);
  }
}

TEST_F(PreloadValueTest, NamesTheKeyAndWhatIsMissing) {
  const std::string nowhere = (folder_ / "nowhere").string();
  for (const std::string& text : {error(nowhere, python_), error(library_, nowhere)}) {
    EXPECT_NE(text.find(nowhere), std::string::npos) << text;
    EXPECT_NE(text.find("worker.interpreter"), std::string::npos) << text;
    EXPECT_NE(text.find("embedded"), std::string::npos) << text;
  }
}

TEST_F(PreloadValueTest, NamesAPythonThatIsNoProgram) {
  const std::string text = make("text", fs::perms::owner_read);

  EXPECT_NE(error(library_, text).find(text + " cannot be executed"), std::string::npos);
}

TEST_F(PreloadValueTest, RefusesWhatTheLoaderWouldTakeForTwoFiles) {
  for (const std::string name : {"a b.so", "a:b.so"}) {
    const std::string library = make(name, fs::perms::owner_read);
    EXPECT_NE(error(library, python_).find("space or a colon"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace lambdapool::worker
