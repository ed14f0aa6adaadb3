#include "supervisor/config/luna_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervisor/config/config.h"
#include "supervisor/config/loader.h"
#include "supervisor/config/print.h"
#include "supervisor/config/python_settings.h"

namespace lambdapool::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// The configuration of a file's text; complaints are failures.
Config read(const std::string& yaml) {
  Config config;
  std::vector<std::string> errors;
  apply_settings(config, read_settings(yaml, "c.yml", errors), "/", errors);
  if (errors.empty()) check_together(config, errors);
  EXPECT_THAT(errors, IsEmpty());
  return config;
}

std::vector<std::string> complaints(const std::string& yaml) {
  Config config;
  std::vector<std::string> errors;
  apply_settings(config, read_settings(yaml, "c.yml", errors), "/", errors);
  if (errors.empty()) check_together(config, errors);
  return errors;
}

void expect_accepts(const std::string& path, const std::string& text, const std::string& json) {
  LunaValues values;
  const auto set = set_luna_value(values, "luna." + path, text);
  ASSERT_TRUE(set) << path << ": " << set.error();
  EXPECT_EQ(values[path], json);
}

void expect_refuses(const std::string& path, const std::string& text) {
  LunaValues values;
  const auto set = set_luna_value(values, "luna." + path, text);
  ASSERT_FALSE(set) << path << " = " << text;
  EXPECT_THAT(set.error(), testing::StartsWith("must be "));
  EXPECT_THAT(values, IsEmpty());
}

TEST(LunaSettings, LunasOwnTreesAreTaken) {
  const Config config = read(
      "luna:\n"
      "  LUNA_FACES_ADDRESS: {origin: \"http://127.0.0.1:5030\", api_version: 3}\n"
      "  LUNA_FACES_TIMEOUTS:\n"
      "    request: 2.5\n"
      "  ADDITIONAL_SERVICES_USAGE: {luna_events: 0}\n");

  EXPECT_THAT(config.luna.settings,
              ElementsAre(testing::Pair("ADDITIONAL_SERVICES_USAGE.luna_events", "0"),
                          testing::Pair("LUNA_FACES_ADDRESS.api_version", "3"),
                          testing::Pair("LUNA_FACES_ADDRESS.origin", "\"http://127.0.0.1:5030\""),
                          testing::Pair("LUNA_FACES_TIMEOUTS.request", "2.5")));
}

TEST(LunaSettings, DottedKeysAreTaken) {
  const Config config = read("luna.LUNA_EVENTS_ADDRESS.origin: http://events\n");

  EXPECT_THAT(config.luna.settings, SizeIs(1));
}

TEST(LunaSettings, SwitchesAreTakenWithAndWithoutLuna) {
  expect_accepts("ADDITIONAL_SERVICES_USAGE.luna_sender", "1", "1");
  LunaValues values;
  ASSERT_TRUE(set_luna_value(values, "luna.ADDITIONAL_SERVICES_USAGE.sender", "false"));
  EXPECT_EQ(values["ADDITIONAL_SERVICES_USAGE.luna_sender"], "0");
}

TEST(LunaSettings, OriginsAreSchemeHostAndPort) {
  const std::string path = "LUNA_FACES_ADDRESS.origin";
  expect_accepts(path, "http://faces", "\"http://faces\"");
  expect_accepts(path, "https://faces.example:65535/", "\"https://faces.example:65535\"");
  expect_accepts(path, "http://[::1]:1", "\"http://[::1]:1\"");
  for (const char* bad :
       {"", "faces", "ftp://faces", "http://", "http://:80", "http://faces:", "http://faces:0",
        "http://faces:65536", "http://faces/3", "http://a@b", "http://a b", "http://a?b",
        "http://[::1", "http://[::1]80", "http://a\"b", "http://a\nb"}) {
    expect_refuses(path, bad);
  }
}

TEST(LunaSettings, TimesAreSecondsAboveZeroUpToADay) {
  const std::string path = "LUNA_FACES_TIMEOUTS.connect";
  expect_accepts(path, "20", "20");
  expect_accepts(path, "0.001", "0.001");
  expect_accepts(path, "86400", "86400");
  for (const char* bad : {"", "0", "-1", "86400.5", "1e3", "5s", "nan", "inf", "1 "})
    expect_refuses(path, bad);
}

TEST(LunaSettings, VersionsAreFromOneToAThousand) {
  const std::string path = "LUNA_FACES_ADDRESS.api_version";
  expect_accepts(path, "1", "1");
  expect_accepts(path, "1000", "1000");
  for (const char* bad : {"0", "1001", "-1", "v3", ""}) expect_refuses(path, bad);
}

TEST(LunaSettings, ComplaintsNameLineKeyAndWhatWasMeant) {
  EXPECT_THAT(complaints("luna:\n  LUNA_FACE_ADDRESS: {origin: x}\n"),
              ElementsAre("c.yml:2: luna.LUNA_FACE_ADDRESS: unknown key; did you mean "
                          "'luna.LUNA_FACES_ADDRESS'?"));
  EXPECT_THAT(complaints("luna:\n  LUNA_FACES_ADDRESS:\n    orgin: http://x\n"),
              ElementsAre("c.yml:3: luna.LUNA_FACES_ADDRESS.orgin: unknown key; did you mean "
                          "'luna.LUNA_FACES_ADDRESS.origin'?"));
  EXPECT_THAT(complaints("LUNA_FACES_ADDRESS: {origin: http://x}\n"),
              ElementsAre(HasSubstr("did you mean 'luna.LUNA_FACES_ADDRESS'?")));
  EXPECT_THAT(complaints("luna:\n  LUNA_FACES_ADDRESS: http://x\n"),
              ElementsAre(HasSubstr("must be a mapping, such as {origin: \"http://HOST:PORT\"}")));
  EXPECT_THAT(complaints("luna:\n  LUNA_FACES_ADDRESS: {origin: [1]}\n"),
              ElementsAre(HasSubstr("must not be a list")));
  EXPECT_THAT(complaints("luna:\n  LUNA_FACES_ADDRESS: {origin: }\n"),
              ElementsAre(HasSubstr("has no value")));
  EXPECT_THAT(complaints("luna:\n  LUNA_FACES_ADDRESS: {origin: {a: b}}\n"), SizeIs(1));
}

TEST(LunaSettings, WhatHoldsBetweenThemIsChecked) {
  EXPECT_THAT(complaints("luna: {LUNA_FACES_ADDRESS: {api_version: 3}}\n"),
              ElementsAre(HasSubstr("luna.LUNA_FACES_ADDRESS: has no origin")));
  EXPECT_THAT(complaints("luna: {LUNA_CONFIGURATOR: {USE_CONFIGURATOR: 1}}\n"),
              ElementsAre(HasSubstr("LUNA_CONFIGURATOR_ORIGIN must be given")));
  EXPECT_THAT(complaints("luna: {account_id: Ada}\n"),
              ElementsAre(HasSubstr("luna.account_id: must be a UUID in lower case, not 'Ada'")));
}

TEST(LunaSettings, WhatIsPrintedReadsBackToTheSame) {
  const Config config = read(
      "luna:\n"
      "  LUNA_FACES_ADDRESS: {origin: http://faces, api_version: 4}\n"
      "  LUNA_IMAGE_STORE_OBJECTS_ADDRESS: {origin: http://store, bucket: \"a \\\"b\\\" \\\\\"}\n"
      "  LUNA_CONFIGURATOR: {USE_CONFIGURATOR: 0}\n");

  const std::string printed = print_config(config);

  EXPECT_THAT(printed,
              HasSubstr("\n  LUNA_FACES_ADDRESS: {origin: \"http://faces\", api_version: 4}\n"));
  EXPECT_THAT(printed, HasSubstr("\n  # LUNA_EVENTS_ADDRESS: {origin: "));
  const Config again = read(printed);
  EXPECT_EQ(again.luna.settings.find("LUNA_IMAGE_STORE_OBJECTS_ADDRESS.bucket")->second,
            config.luna.settings.find("LUNA_IMAGE_STORE_OBJECTS_ADDRESS.bucket")->second);
  EXPECT_EQ(print_config(again), printed);
}

TEST(LunaSettings, ThePythonSideGetsThemAsJson) {
  const Config config = read(
      "luna:\n"
      "  poll_period: 250ms\n"
      "  LUNA_FACES_ADDRESS: {origin: http://faces, api_version: 4}\n");

  EXPECT_EQ(python_settings(config),
            "{\"luna\":{\"retries\":2,\"pool_size\":100,\"max_answer\":67108864,"
            "\"poll_period\":0.250000,\"account_id\":\"\","
            "\"LUNA_FACES_ADDRESS\":{\"origin\":\"http://faces\",\"api_version\":4}}}");
}

TEST(LunaSettings, ByDefaultNoServiceIsConfigured) { EXPECT_EQ(python_settings(Config{}), "{}"); }

}  // namespace
}  // namespace lambdapool::supervisor
