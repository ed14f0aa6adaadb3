#include "supervisor/config/schema.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace lambdapool::supervisor {
namespace {

const Key& key(std::string_view path) { return *find_key(path); }

void expect_accepts(std::string_view path, std::string_view text) {
  Config config;
  EXPECT_TRUE(set_value(config, key(path), text)) << path << " = " << text;
}

void expect_refuses(std::string_view path, std::string_view text) {
  Config config;
  const auto set = set_value(config, key(path), text);
  ASSERT_FALSE(set) << path << " = " << text;
  EXPECT_TRUE(set.error().starts_with("must be ")) << set.error();
}

TEST(Schema, EveryPathIsASectionOfTheTableAndAName) {
  for (const Key& k : keys()) {
    EXPECT_NE(find_section(k.section()), nullptr) << k.path;
    EXPECT_FALSE(k.name().empty()) << k.path;
    EXPECT_EQ(k.name().find('.'), std::string_view::npos) << k.path;
  }
}

TEST(Schema, EveryPathAndEveryMemberIsThereOnce) {
  Config config;
  std::set<std::string_view> paths;
  std::set<const void*> members;
  for (const Key& k : keys()) {
    EXPECT_TRUE(paths.insert(k.path).second) << k.path;
    const void* member = std::visit([](auto* m) -> const void* { return m; }, k.member(config));
    EXPECT_TRUE(members.insert(member).second) << k.path;
  }
}

TEST(Schema, EveryDefaultTextSaysWhatTheMembersInitialiserSays) {
  for (const Key& k : keys()) {
    Config config;
    // Not the default's own text, which is taken without a look, but the same value written
    // otherwise.
    const std::string text = k.kind == Kind::kText || k.kind == Kind::kSecret ||
                                     k.kind == Kind::kPath || k.kind == Kind::kChoice ||
                                     k.kind == Kind::kBool || k.default_text == "off"
                                 ? std::string(k.default_text)
                                 : "0" + std::string(k.default_text);
    ASSERT_TRUE(set_value(config, k, text)) << k.path;
    EXPECT_EQ(value_text(config, k), k.default_text) << k.path;
    Config defaults;
    std::visit(
        [&]<class T>(const T* value) {
          EXPECT_EQ(*value, *std::get<T*>(k.member(defaults))) << k.path;
        },
        k.member(config));
  }
  EXPECT_EQ(Config{}.server.host, key("server.host").default_text);
  EXPECT_EQ(Config{}.lambda.version, key("lambda.version").default_text);
  EXPECT_TRUE(Config{}.log.access);
  EXPECT_EQ(Config{}.log.level, LogLevel::kInfo);
}

TEST(Schema, NoRangeIsWiderThanItsMember) {
  Config config;
  for (const Key& k : keys()) {
    EXPECT_LE(k.least, k.most) << k.path;
    std::visit(
        [&]<class T>(const T*) {
          if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
            EXPECT_LE(k.most, std::numeric_limits<T>::max()) << k.path;
          }
        },
        k.member(config));
  }
}

TEST(Schema, EveryKeyIsDocumentedInASentence) {
  for (const Key& k : keys()) EXPECT_TRUE(k.doc.size() > 10 && k.doc.ends_with('.')) << k.path;
}

TEST(Schema, BothEndsOfEachRangeAreAllowedAndNothingBeyond) {
  for (const Key& k : keys()) {
    if (k.kind != Kind::kCount && k.kind != Kind::kSize && k.kind != Kind::kDuration) continue;
    const std::string unit = k.kind == Kind::kDuration ? "ms" : "";
    expect_accepts(k.path, std::to_string(k.least) + unit);
    expect_accepts(k.path, std::to_string(k.most) + unit);
    expect_refuses(k.path, std::to_string(k.most + 1) + unit);
    if (k.least > 0) expect_refuses(k.path, std::to_string(k.least - 1) + unit);
  }
}

TEST(Schema, TextHasALengthAndNoControlCharacters) {
  expect_accepts("server.host", std::string(255, 'a'));
  expect_refuses("server.host", std::string(256, 'a'));
  expect_refuses("server.host", "");
  expect_refuses("lambda.version", "1\r\nSet-Cookie: x");
  expect_refuses("lambda.path", std::string_view("a\0b", 3));
  expect_refuses("lambda.path", "\xff");
  expect_accepts("lambda.path", "каталог");
  expect_accepts("lambda.name", "");
}

TEST(Schema, AChoiceIsOneOfItsWordsExactly) {
  expect_accepts("log.level", "warning");
  expect_refuses("log.level", "WARNING");
  expect_refuses("worker.event_loop", "");
}

TEST(Schema, ARefusalSaysWhatIsExpectedAndWhatWasGiven) {
  Config config;
  EXPECT_EQ(set_value(config, key("pool.workers"), "many").error(),
            "must be a whole number of processes from 1 to 1024, not 'many'");
  EXPECT_EQ(set_value(config, key("server.port"), "99999").error(),
            "must be a whole number from 0 to 65535, not '99999'");
  EXPECT_EQ(set_value(config, key("server.max_body"), "1MB").error(),
            "must be a size from 1B to 256MiB, such as 512B, 64KiB, 10MiB or 1GiB, not '1MB'");
  EXPECT_EQ(set_value(config, key("pool.grace"), "5").error(),
            "must be a duration from 0s to 24h, such as 250ms, 2s, 5m or 1h, not '5'");
  EXPECT_EQ(set_value(config, key("log.level"), "loud").error(),
            "must be debug, info, warning or error, not 'loud'");
  EXPECT_EQ(set_value(config, key("log.access"), "maybe").error(),
            "must be true or false, not 'maybe'");
}

TEST(Schema, StderrIsTheLogFileThatHasNoPath) {
  Config config;
  config.log.file = "/var/log/x";
  EXPECT_EQ(value_text(config, key("log.file")), "/var/log/x");

  ASSERT_TRUE(set_value(config, key("log.file"), "stderr"));

  EXPECT_EQ(config.log.file, "");
  EXPECT_EQ(value_text(config, key("log.file")), "stderr");
}

}  // namespace
}  // namespace lambdapool::supervisor
