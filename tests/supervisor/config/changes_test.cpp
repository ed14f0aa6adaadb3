#include "supervisor/config/changes.h"

#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

TEST(ConfigChanges, EqualConfigurationsHaveNone) {
  EXPECT_TRUE(find_changes(Config{}, Config{}).empty());
}

TEST(ConfigChanges, EachIsToldWithItsValues) {
  Config after;
  after.pool.workers = 4;
  after.server.port = 9000;

  const auto changes = find_changes(Config{}, after);

  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].key, "server.port");
  EXPECT_EQ(changes[0].before, "8000");
  EXPECT_EQ(changes[0].after, "9000");
  EXPECT_TRUE(changes[0].needs_restart);
  EXPECT_EQ(changes[1].key, "pool.workers");
  EXPECT_FALSE(changes[1].needs_restart);
}

TEST(ConfigChanges, LunasSettingsAreToldAndApplied) {
  Config before;
  before.luna.settings = {{"LUNA_FACES_ADDRESS.origin", "\"http://one\""}};
  Config after;
  after.luna.settings = {{"LUNA_FACES_ADDRESS.origin", "\"http://two\""},
                         {"LUNA_FACES_TIMEOUTS.request", "5"}};

  const auto changes = find_changes(before, after);

  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].key, "luna.LUNA_FACES_ADDRESS.origin");
  EXPECT_EQ(changes[0].before, "\"http://one\"");
  EXPECT_EQ(changes[0].after, "\"http://two\"");
  EXPECT_FALSE(changes[0].needs_restart);
  EXPECT_EQ(changes[1].key, "luna.LUNA_FACES_TIMEOUTS.request");
  EXPECT_EQ(changes[1].before, "not set");
  EXPECT_EQ(with_live_changes(before, after).luna.settings, after.luna.settings);
}

TEST(ConfigChanges, AnotherSecretIsAChangeThatShowsNeither) {
  Config before;
  before.monitoring.token = "one";
  Config after;
  after.monitoring.token = "two";

  const auto changes = find_changes(before, after);

  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].key, "monitoring.token");
  EXPECT_EQ(changes[0].before, "***");
  EXPECT_EQ(changes[0].after, "***");
  EXPECT_FALSE(changes[0].needs_restart);
  EXPECT_EQ(with_live_changes(before, after).monitoring.token, "two");
}

TEST(ConfigChanges, OnlyWhatNeedsNoRestartIsApplied) {
  Config after;
  after.pool.workers = 4;
  after.log.level = LogLevel::kDebug;
  after.log.format = LogFormat::kJson;
  after.server.port = 9000;
  after.lambda.version = "2";
  after.lambda.path = "/other";

  const Config applied = with_live_changes(Config{}, after);

  EXPECT_EQ(applied.pool.workers, 4U);
  EXPECT_EQ(applied.log.level, LogLevel::kDebug);
  EXPECT_EQ(applied.lambda.version, "2");
  EXPECT_EQ(applied.log.format, LogFormat::kText);
  EXPECT_EQ(applied.server.port, 8000);
  EXPECT_EQ(applied.lambda.path, "");
}

}  // namespace
}  // namespace lambdapool::supervisor
