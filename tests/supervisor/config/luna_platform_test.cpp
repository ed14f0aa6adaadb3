#include "supervisor/config/luna_platform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "supervisor/config/loader.h"

namespace lambdapool::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class LunaPlatformTest : public testing::Test {
 protected:
  LunaPlatformTest() {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    file_ = folder_ + "/c.yml";
  }
  ~LunaPlatformTest() override { std::filesystem::remove_all(folder_); }

  std::expected<Config, std::vector<std::string>> load(const std::string& yaml,
                                                       const std::vector<std::string>& sets = {}) {
    std::ofstream(file_) << yaml;
    ConfigSources sources{.file = file_, .sets = {}};
    for (const std::string& set : sets) sources.sets.push_back(parse_set(set).value());
    return load_config(sources);
  }

  Config good(const std::string& yaml, const std::vector<std::string>& sets = {}) {
    const auto config = load(yaml, sets);
    EXPECT_TRUE(config) << (config ? "" : config.error().front());
    return config.value_or(Config{});
  }

  // Without the file's folder.
  std::vector<std::string> complaints(const std::string& yaml,
                                      const std::vector<std::string>& sets = {}) {
    const auto config = load(yaml, sets);
    std::vector<std::string> lines = config ? std::vector<std::string>() : config.error();
    for (std::string& line : lines) {
      if (line.starts_with(folder_)) line.erase(0, folder_.size() + 1);
    }
    return lines;
  }

  std::string folder_ = testing::TempDir() + "luna_platform_XXXXXX";
  std::string file_;
};

TEST_F(LunaPlatformTest, InfluxMonitoringIsWhereWorkersWritePoints) {
  const Config config = good(
      "luna:\n"
      "  INFLUX_MONITORING: {SEND_DATA_FOR_MONITORING: 1, USE_SSL: 1, ORGANIZATION: luna,\n"
      "    TOKEN: secret, BUCKET: luna_monitoring, HOST: influxdb, PORT: 9999, FLUSHING_PERIOD: "
      "2}\n");

  EXPECT_EQ(config.monitoring.url, "https://influxdb:9999");
  EXPECT_EQ(config.monitoring.organization, "luna");
  EXPECT_EQ(config.monitoring.bucket, "luna_monitoring");
  EXPECT_EQ(config.monitoring.token, "secret");
  EXPECT_EQ(config.monitoring.flush_period, Milliseconds(2000));
  EXPECT_THAT(config.remarks, IsEmpty());
}

TEST_F(LunaPlatformTest, MembersMayBeInSmallLetters) {
  const Config config = good(
      "luna:\n  INFLUX_MONITORING:\n    organization: o\n    bucket: b\n    flushing_period: 0.5\n"
      "  LUNA_LAMBDA_UNIT_LOGGER: {log_level: ERROR}\n");

  EXPECT_EQ(config.monitoring.url, "http://127.0.0.1:8086");
  EXPECT_EQ(config.monitoring.flush_period, Milliseconds(500));
  EXPECT_EQ(config.log.level, LogLevel::kError);
}

TEST_F(LunaPlatformTest, TheFirstInfluxHasADatabaseAndAUser) {
  const Config config = good(
      "luna.INFLUX_MONITORING: {DATABASE_NAME: d, USER_NAME: u, PASSWORD: p, HOST: \"::1\"}\n");

  EXPECT_EQ(config.monitoring.url, "http://[::1]:8086");
  EXPECT_EQ(config.monitoring.database, "d");
  EXPECT_EQ(config.monitoring.token, "u:p");
}

TEST_F(LunaPlatformTest, MonitoringThatIsSwitchedOffWritesNothing) {
  EXPECT_EQ(good("luna: {INFLUX_MONITORING: {SEND_DATA_FOR_MONITORING: 0, HOST: influxdb}}\n")
                .monitoring.url,
            "");
}

TEST_F(LunaPlatformTest, MetricsAndLogLevelAreLunasWhereOursAreNotGiven) {
  const Config config = good(
      "luna:\n  LUNA_SERVICE_METRICS: {ENABLED: 0, METRICS_FORMAT: prometheus}\n"
      "  LUNA_LAMBDA_UNIT_LOGGER: {LOG_LEVEL: DEBUG}\n");

  EXPECT_FALSE(config.metrics.enabled);
  EXPECT_EQ(config.log.level, LogLevel::kDebug);
  EXPECT_TRUE(good("luna: {LUNA_SERVICE_METRICS: {ENABLED: 1}}\n").metrics.enabled);
}

TEST_F(LunaPlatformTest, OurOwnKeysWinWhereverTheyStand) {
  const Config config = good(
      "metrics: {enabled: true}\nlog: {level: warning}\n"
      "monitoring: {url: \"http://own:1\", bucket: own}\n"
      "luna:\n  LUNA_SERVICE_METRICS: {ENABLED: 0}\n"
      "  INFLUX_MONITORING: {HOST: luna, BUCKET: luna, ORGANIZATION: luna}\n",
      {"luna.LUNA_LAMBDA_UNIT_LOGGER.LOG_LEVEL=DEBUG"});

  EXPECT_TRUE(config.metrics.enabled);
  EXPECT_EQ(config.log.level, LogLevel::kWarning);
  EXPECT_EQ(config.monitoring.url, "http://own:1");
  EXPECT_EQ(config.monitoring.bucket, "own");
  EXPECT_EQ(config.monitoring.organization, "luna");
}

TEST_F(LunaPlatformTest, TheCommandLineComesBeforeTheFile) {
  const Config config = good("luna: {INFLUX_MONITORING: {HOST: one, PORT: 1, DATABASE_NAME: d}}\n",
                             {"luna.INFLUX_MONITORING.host=two"});

  EXPECT_EQ(config.monitoring.url, "http://two:1");
}

TEST_F(LunaPlatformTest, WhatHasNoEffectIsRemarkedWithItsPlace) {
  const Config config = good(
      "luna:\n"
      "  LUNA_SERVICE_METRICS:\n"
      "    EXTRA_LABELS: {label_1: a}\n"
      "  LUNA_LAMBDA_UNIT_LOGGER: {LOG_TO_FILE: 1}\n");

  EXPECT_THAT(config.remarks,
              ElementsAre(file_ + ":4: luna.LUNA_LAMBDA_UNIT_LOGGER.LOG_TO_FILE: has no effect; "
                                  "see log.file",
                          file_ + ":3: luna.LUNA_SERVICE_METRICS.EXTRA_LABELS: has no effect; "
                                  "give labels where Prometheus scrapes"));
}

TEST_F(LunaPlatformTest, ComplaintsNameTheSettingThatIsAtFault) {
  EXPECT_THAT(complaints("luna:\n  INFLUX_MONITORING:\n    PORT: 0\n    DATABASE_NAME: d\n"),
              ElementsAre("c.yml:3: luna.INFLUX_MONITORING.PORT: must be a port from 1 to 65535, "
                          "not '0'"));
  EXPECT_THAT(complaints("luna: {INFLUX_MONITORING: {HOST: \"http://a\", DATABASE_NAME: d}}\n"),
              ElementsAre(StartsWith("c.yml:1: luna.INFLUX_MONITORING.HOST: must be a host")));
  EXPECT_THAT(complaints("luna: {INFLUX_MONITORING: {USE_SSL: maybe, DATABASE_NAME: d}}\n"),
              ElementsAre(HasSubstr("USE_SSL: must be 0 or 1, not 'maybe'")));
  for (const char* bad : {"0.009", "3600.5", "1s", "", "-1", "nan"}) {
    EXPECT_THAT(complaints("luna: {INFLUX_MONITORING: {FLUSHING_PERIOD: \"" + std::string(bad) +
                           "\", DATABASE_NAME: d}}\n"),
                ElementsAre(HasSubstr("must be a number of seconds from 0.01 to 3600")));
  }
  EXPECT_THAT(complaints("luna: {INFLUX_MONITORING: {HOST: a}}\n"),
              ElementsAre(StartsWith("c.yml:1: luna.INFLUX_MONITORING.HOST: monitoring.url is")));
  EXPECT_THAT(complaints("luna: {LUNA_SERVICE_METRICS: {METRICS_FORMAT: statsd}}\n"),
              ElementsAre(HasSubstr("must be prometheus, not 'statsd'")));
  EXPECT_THAT(complaints("luna: {LUNA_SERVICE_METRICS: {ENABLED: 2}}\n"),
              ElementsAre(HasSubstr("ENABLED: must be true or false, not '2'")));
  EXPECT_THAT(complaints("luna: {LUNA_LAMBDA_UNIT_LOGGER: {LOG_LEVEL: LOUD}}\n"),
              ElementsAre(HasSubstr("LOG_LEVEL: must be debug, info, warning or error")));
  EXPECT_THAT(complaints("luna: {LUNA_SERVICE_METRICS: {ENABLED: [1]}}\n"),
              ElementsAre(HasSubstr("ENABLED: must be a value, not a mapping or a list")));
  EXPECT_THAT(complaints("luna: {LUNA_SERVICE_METRICS: 1}\n"),
              ElementsAre("c.yml:1: luna.LUNA_SERVICE_METRICS: must be a mapping"));
}

TEST_F(LunaPlatformTest, UnknownMembersAreComplainedOfAsEverywhere) {
  EXPECT_THAT(complaints("luna: {INFLUX_MONITORING: {BUKET: b}}\n"),
              ElementsAre("c.yml:1: luna.INFLUX_MONITORING.BUKET: unknown key; did you mean "
                          "'luna.INFLUX_MONITORING.BUCKET'?"));
  EXPECT_THAT(complaints("INFLUX_MONITORING: {BUCKET: b}\n"),
              ElementsAre(HasSubstr("did you mean 'luna.INFLUX_MONITORING'?")));
}

TEST_F(LunaPlatformTest, SecretsAreNotShown) {
  for (const char* name : {"TOKEN", "password"}) {
    const auto set = parse_set("luna.INFLUX_MONITORING." + std::string(name) + "=hush");
    EXPECT_EQ(set.value().origin, "--set luna.INFLUX_MONITORING." + std::string(name) + "=***");
  }
  EXPECT_THAT(complaints("luna: {INFLUX_MONITORING: {TOKEN: \"hush\\n\", DATABASE_NAME: d}}\n"),
              ElementsAre(testing::Not(HasSubstr("hush"))));
}

}  // namespace
}  // namespace lambdapool::supervisor
