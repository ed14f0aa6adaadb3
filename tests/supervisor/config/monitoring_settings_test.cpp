#include "supervisor/config/monitoring_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervisor/config/loader.h"
#include "supervisor/config/print.h"
#include "supervisor/config/python_settings.h"
#include "supervisor/config/schema.h"

namespace lambdapool::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

MonitoringConfig good() {
  MonitoringConfig monitoring;
  monitoring.url = "http://influxdb:8086";
  monitoring.organization = "o";
  monitoring.bucket = "b";
  return monitoring;
}

std::vector<std::string> complaints(const MonitoringConfig& monitoring) {
  std::vector<std::string> errors;
  check_monitoring(monitoring, errors);
  return errors;
}

TEST(MonitoringSettings, AreNotThereWhenItIsOff) {
  Config config;
  config.monitoring.bucket = "b";
  EXPECT_THAT(python_settings(config), Not(HasSubstr("monitoring")));
}

TEST(MonitoringSettings, AreTheKeysWithDurationsInSeconds) {
  Config config;
  config.monitoring = good();
  config.monitoring.token = "a \"secret\"\\";
  config.monitoring.flush_period = Milliseconds(1050);
  EXPECT_THAT(
      python_settings(config),
      HasSubstr(R"({"monitoring":{"url":"http://influxdb:8086","organization":"o","bucket":"b",)"
                R"("database":"","token":"a \"secret\"\\","flush_period":1.050,"batch":1000,)"
                R"("buffer":10000,"timeout":5.000}})"));
}

TEST(CheckMonitoring, NothingIsAskedForWithoutAUrl) {
  EXPECT_THAT(complaints({}), IsEmpty());
  EXPECT_THAT(complaints(good()), IsEmpty());
}

TEST(CheckMonitoring, TheUrlIsOneOfHttpWithoutUserAndQuery) {
  for (const char* url : {"influxdb:8086", "http://", "https://", "ftp://a", "http://a?b",
                          "http://u:p@a", "http://a#b", "http://a b"}) {
    MonitoringConfig monitoring = good();
    monitoring.url = url;
    EXPECT_THAT(complaints(monitoring), ElementsAre(HasSubstr("monitoring.url: must be"))) << url;
  }
  for (const char* url : {"https://a", "http://[::1]:80", "http://a/behind/a/proxy/"}) {
    MonitoringConfig monitoring = good();
    monitoring.url = url;
    EXPECT_THAT(complaints(monitoring), IsEmpty()) << url;
  }
}

TEST(CheckMonitoring, ThereIsOnePlaceToWriteTo) {
  MonitoringConfig both = good();
  both.database = "d";
  EXPECT_THAT(complaints(both), ElementsAre(HasSubstr("one of them")));
  MonitoringConfig none = good();
  none.bucket = "";
  EXPECT_THAT(complaints(none), ElementsAre(HasSubstr("one of them")));
  MonitoringConfig without_organization = good();
  without_organization.organization = "";
  EXPECT_THAT(complaints(without_organization), ElementsAre(HasSubstr("monitoring.organization")));
}

TEST(Secrets, AreNotPrintedAndTheMaskIsNotRead) {
  Config config;
  const Key& token = *find_key("monitoring.token");
  EXPECT_THAT(print_config(config), HasSubstr("\n  token: \"\"\n"));

  ASSERT_TRUE(set_value(config, token, "geheim"));

  EXPECT_EQ(config.monitoring.token, "geheim");
  EXPECT_THAT(print_config(config), HasSubstr("\n  token: \"***\"  # Default: \"\"\n"));
  EXPECT_THAT(print_config(config), Not(HasSubstr("geheim")));
  EXPECT_THAT(set_value(config, token, "***").error(), HasSubstr("must be the secret itself"));
}

TEST(Secrets, AreNotInComplaints) {
  Config config;
  std::vector<std::string> errors;
  const auto set = parse_set("monitoring.token=geheim\n");
  ASSERT_TRUE(set);
  apply_settings(config, {*set}, "/", errors);
  EXPECT_THAT(errors, ElementsAre("--set monitoring.token=***: must be text of at most 255 bytes "
                                  "without control characters"));
}

}  // namespace
}  // namespace lambdapool::supervisor
