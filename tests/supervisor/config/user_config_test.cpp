#include "supervisor/config/user_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "supervisor/config/changes.h"
#include "supervisor/config/loader.h"
#include "supervisor/config/python_settings.h"
#include "supervisor/config/read_file.h"

namespace lambdapool::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class UserConfig : public testing::Test {
 protected:
  ~UserConfig() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) {
    std::ofstream(folder_ + "/user.json") << text;
    return folder_ + "/user.json";
  }

  std::vector<std::string> complaints(const std::string& path) {
    lambda_.user_config = path;
    std::vector<std::string> errors;
    read_user_config(lambda_, errors);
    return errors;
  }

  std::string folder_ = [] {
    std::string name = testing::TempDir() + "user_config_XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    return name;
  }();
  LambdaConfig lambda_;
};

TEST_F(UserConfig, ReachesPythonAsItWasWritten) {
  EXPECT_THAT(complaints(write("{\"a\": 12345678901234567890123,\n \"b\": [1.50]}\n")), IsEmpty());
  Config config;
  config.lambda = lambda_;

  EXPECT_EQ(python_settings(config),
            "{\"user_config\":{\"a\": 12345678901234567890123,\n \"b\": [1.50]}\n}");
}

TEST_F(UserConfig, AByteOrderMarkIsNoPartOfIt) {
  EXPECT_THAT(complaints(write("\xEF\xBB\xBF{}")), IsEmpty());
  EXPECT_EQ(lambda_.user_config_json, "{}");
}

TEST_F(UserConfig, WithoutAFileThereIsNone) {
  lambda_.user_config_json = "{}";
  EXPECT_THAT(complaints(""), IsEmpty());
  EXPECT_EQ(lambda_.user_config_json, "");
}

TEST_F(UserConfig, WhatIsNoObjectIsRefusedWithTheFile) {
  for (const char* text : {"[]", "1", "null", "\"a\""}) {
    EXPECT_THAT(complaints(write(text)), ElementsAre(HasSubstr("must hold a JSON object")));
  }
  for (const char* text : {"", "{", "{'a': 1}", "{} {}", "{\"a\": NaN}", "{\"a\": 1e999}"}) {
    EXPECT_THAT(complaints(write(text)), ElementsAre(HasSubstr("is no JSON"))) << text;
  }
  EXPECT_EQ(complaints(folder_ + "/none.json"),
            std::vector{"lambda.user_config: '" + folder_ +
                        "/none.json' cannot be opened: No such file or directory"});
}

TEST_F(UserConfig, MayBeAMebibyte) {
  const std::string ends = R"({"a":""})";
  std::string text = R"({"a":")" + std::string(kMaxConfigFile - ends.size(), 'x') + "\"}";
  EXPECT_THAT(complaints(write(text)), IsEmpty());
  EXPECT_THAT(complaints(write(text + "\n")), ElementsAre(HasSubstr("is larger than 1MiB")));
}

TEST_F(UserConfig, APipeThatNobodyWritesIsNotWaitedFor) {
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(complaints(pipe), ElementsAre(HasSubstr("is no JSON")));
}

TEST_F(UserConfig, ItsPathCountsFromTheConfigurationsFolder) {
  write("{\"a\": 1}");
  std::ofstream(folder_ + "/lambdapool.yml") << "lambda:\n  user_config: user.json\n";

  const auto config = load_config({.file = folder_ + "/lambdapool.yml", .sets = {}});

  ASSERT_TRUE(config) << config.error().front();
  EXPECT_EQ(config->lambda.user_config_json, "{\"a\": 1}");
}

TEST_F(UserConfig, ComplaintsNameTheLineOfTheKey) {
  write("[1]");
  const std::string file = folder_ + "/lambdapool.yml";
  std::ofstream(file) << "lambda:\n  user_config: user.json\n";

  const auto config = load_config({.file = file, .sets = {}});

  ASSERT_FALSE(config);
  EXPECT_THAT(config.error(),
              ElementsAre(testing::StartsWith(file + ":2: lambda.user_config: '" + folder_)));
}

TEST_F(UserConfig, OtherContentIsAChangeThatAReloadApplies) {
  Config before;
  before.lambda.user_config = "/user.json";
  before.lambda.user_config_json = "{}";
  Config after = before;
  after.lambda.user_config_json = "{\"a\": 1}";

  const auto changes = find_changes(before, after);

  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].key, "lambda.user_config");
  EXPECT_EQ(changes[0].after, "/user.json, which holds something else");
  EXPECT_FALSE(changes[0].needs_restart);
  EXPECT_EQ(with_live_changes(before, after).lambda.user_config_json, "{\"a\": 1}");
  EXPECT_THAT(find_changes(after, after), IsEmpty());
}

}  // namespace
}  // namespace lambdapool::supervisor
