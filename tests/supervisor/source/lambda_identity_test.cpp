#include "supervisor/source/lambda_identity.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace lambdapool::supervisor {
namespace {

TEST(LambdaIdentity, TheNameIsTheLastPartOfThePathWithoutZip) {
  EXPECT_EQ(default_lambda_name("/srv/lambdas/faces"), "faces");
  EXPECT_EQ(default_lambda_name("/srv/lambdas/faces.zip"), "faces");
  EXPECT_EQ(default_lambda_name("faces"), "faces");
  EXPECT_EQ(default_lambda_name("faces.zip"), "faces");
  EXPECT_EQ(default_lambda_name("./a.b"), "a.b");
  EXPECT_EQ(default_lambda_name("/srv/faces///"), "faces");
  EXPECT_EQ(default_lambda_name("/srv/faces.zip.old"), "faces.zip.old");
}

TEST(LambdaIdentity, APathWithoutANameGivesOneAnyway) {
  EXPECT_EQ(default_lambda_name(""), "lambda");
  EXPECT_EQ(default_lambda_name("/"), "lambda");
  EXPECT_EQ(default_lambda_name("///"), "lambda");
  EXPECT_EQ(default_lambda_name("/srv/.zip"), "lambda");
}

TEST(LambdaIdentity, TheIdIsTheSameAtEveryStart) {
  EXPECT_EQ(default_lambda_id("faces"), default_lambda_id("faces"));
  EXPECT_EQ(default_lambda_id("faces"), "efda17c1-6237-847d-9529-0029faa1f24f");
}

TEST(LambdaIdentity, TheIdIsAUuidOfVersionEight) {
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (const std::string name : {"", "a", "faces", "\xff\x80", "a name with spaces"}) {
    EXPECT_TRUE(std::regex_match(default_lambda_id(name), uuid)) << default_lambda_id(name);
  }
}

TEST(LambdaIdentity, OtherNamesHaveOtherIds) {
  std::set<std::string> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(default_lambda_id("lambda-" + std::to_string(i)));

  EXPECT_EQ(ids.size(), 10'000U);
}

}  // namespace
}  // namespace lambdapool::supervisor
