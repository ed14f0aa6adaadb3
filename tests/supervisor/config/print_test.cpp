#include "supervisor/config/print.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "supervisor/config/loader.h"
#include "supervisor/config/schema.h"

namespace lambdapool::supervisor {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string read_reference() {
  std::ifstream file(LAMBDAPOOL_SOURCE_DIR "/configs/lambdapool.yml");
  return {std::istreambuf_iterator<char>(file), {}};
}

// The configuration that a printed one is read back to.
Config reread(const std::string& yaml) {
  Config config;
  std::vector<std::string> errors;
  apply_settings(config, read_settings(yaml, "printed", errors), "/", errors);
  EXPECT_THAT(errors, IsEmpty());
  return config;
}

TEST(PrintConfig, TheReferenceFileIsWhatTheDefaultsPrint) {
  EXPECT_EQ(read_reference(), print_config(Config{}))
      << "Write it again: lambdapool config > configs/lambdapool.yml";
}

TEST(PrintConfig, TheReferenceFileHasExactlyTheSchemasKeysAndDefaults) {
  std::vector<std::string> errors;
  std::set<std::string> seen;
  for (const Setting& setting : read_settings(read_reference(), "reference", errors)) {
    const Key* const key = find_key(setting.key);
    ASSERT_NE(key, nullptr) << setting.key;
    EXPECT_EQ(setting.value, key->default_text) << setting.key;
    seen.insert(setting.key);
  }
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(seen.size(), keys().size());
}

TEST(PrintConfig, WhatIsPrintedReadsBackToTheSameValues) {
  Config config;
  for (const Key& key : keys()) {
    switch (key.kind) {
      case Kind::kText:
        ASSERT_TRUE(set_value(config, key, "a: \"b\" #'\\ \u00e9"));
        break;
      case Kind::kSecret:  // Is not printed.
        break;
      case Kind::kPath:
        ASSERT_TRUE(set_value(config, key, "/a b/- c: d"));
        break;
      case Kind::kBool:
        ASSERT_TRUE(set_value(config, key, "false"));
        break;
      case Kind::kCount:
      case Kind::kSize:
        ASSERT_TRUE(set_value(config, key, std::to_string(key.most)));
        break;
      case Kind::kDuration:
        ASSERT_TRUE(set_value(config, key, std::to_string(key.most - 1) + "ms"));
        break;
      case Kind::kChoice:
        ASSERT_TRUE(set_value(config, key,
                              key.name() == "event_loop"    ? "asyncio"
                              : key.name() == "interpreter" ? "system"
                              : key.name() == "replay"      ? "always"
                              : key.name() == "preload"     ? "lambda"
                              : key.name() == "level"       ? "debug"
                                                            : "json"));
        break;
    }
  }

  const std::string printed = print_config(config);

  Config again = reread(printed);
  for (const Key& key : keys())
    EXPECT_EQ(value_text(again, key), value_text(config, key)) << key.path;
  EXPECT_EQ(print_config(again), printed);
}

TEST(PrintConfig, TextThatOtherReadersWouldTakeForSomethingElseIsQuoted) {
  for (const char* text :
       {"1", "1.10", "true", "No", "null", "~", "a: b", "-", "@x", "1e3", "0x1f"}) {
    Config config;
    config.lambda.name = text;
    EXPECT_THAT(print_config(config),
                HasSubstr("  name: \"" + std::string(text) + "\"  # Default: \"\"\n"));
  }
}

TEST(PrintConfig, AValueOffItsDefaultIsShownWithTheDefault) {
  Config config;
  config.pool.workers = 4;
  config.log.file = "/var/log/lambdapool.log";

  const std::string printed = print_config(config);

  EXPECT_THAT(printed, HasSubstr("\n  workers: 4  # Default: 1\n"));
  EXPECT_THAT(printed, HasSubstr("\n  file: /var/log/lambdapool.log  # Default: stderr\n"));
  EXPECT_THAT(printed, HasSubstr("\n  concurrency: 1024\n"));
}

}  // namespace
}  // namespace lambdapool::supervisor
