#include "supervisor/tasks/json_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lambdapool::supervisor {
namespace {

TEST(JsonText, WhatIsJsonIsTakenAsItIsWritten) {
  for (const std::string_view text :
       {"null", "true", "false", "0", "-1.5e+10", "1E5", "\"a\\u00e9\\n\xc3\xa9\"", "[]", "[1,[2]]",
        "{}", "{\"a\" : {\"b\":[null]}}"}) {
    const std::string around = " \n" + std::string(text) + "\t\r";
    const auto value = parse_json(around);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(value->text, text);
  }
}

TEST(JsonText, WhatIsNoJsonIsRefused) {
  for (const std::string_view text :
       {"",      " ",   "nul",   "01",       "1.",         ".5",          "-",        "+1", "1e",
        "NaN",   "'a'", "\"a",   "\"\x01\"", "\"\\x\"",    "\"\\u12g4\"", "\"\xff\"", "[",  "[1,]",
        "[1 2]", "{",   "{a:1}", "{\"a\"}",  "{\"a\":1,}", "1 2",         "{}x"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
}

std::string fault_of(std::string_view text) {
  const JsonFault fault = find_json_fault(text);
  return std::to_string(fault.line) + ":" + std::to_string(fault.column) + " " + fault.what;
}

TEST(JsonText, AFaultIsToldWithItsPlace) {
  EXPECT_EQ(fault_of(""), "1:1 unexpected end");
  EXPECT_EQ(fault_of("{\n  \"a\": 1,\n}"), "3:1 unexpected '}'");
  EXPECT_EQ(fault_of("[1,\n 2"), "2:3 unexpected end");
  EXPECT_EQ(fault_of("[\"\xc3\xa9\xc3\xa9\", x]"), "1:8 unexpected 'x'");
  EXPECT_EQ(fault_of("[01]"), "1:3 unexpected '1'");
  EXPECT_EQ(fault_of("\"\\x\""), "1:3 unexpected 'x'");
  EXPECT_EQ(fault_of("\"\x01\""), "1:2 unexpected '\\x01'");
  EXPECT_EQ(fault_of("\"\xff\""), "1:2 unexpected '\\xff'");
  EXPECT_EQ(fault_of("{} {}"), "1:4 unexpected '{'");
  EXPECT_EQ(fault_of(std::string(1001, '[')), "1:1001 more than 1000 levels");
}

TEST(JsonText, NestingHasALimit) {
  const auto nested = [](int levels) {
    return std::string(static_cast<std::size_t>(levels), '[') +
           std::string(static_cast<std::size_t>(levels), ']');
  };
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  EXPECT_FALSE(parse_json(nested(kMaxJsonDepth + 1)));
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
}

TEST(JsonText, TheLastMemberOfANameIsFound) {
  const auto object = parse_json(R"({"b": {"a": 1}, "a" : [2, 3] ,"a":4, "c": "a"})");
  ASSERT_TRUE(object);

  EXPECT_EQ(find_member(*object, "a")->text, "4");
  EXPECT_EQ(find_member(*object, "b")->text, R"({"a": 1})");
  EXPECT_FALSE(find_member(*object, "d"));
}

TEST(JsonText, ElementsAreVisitedInOrder) {
  std::vector<std::string> seen;
  for_each_element(*parse_json(R"([ {"a":[1]}, 2 ,"]" ])"),
                   [&](const JsonValue& each) { seen.emplace_back(each.text); });

  EXPECT_EQ(seen, (std::vector<std::string>{R"({"a":[1]})", "2", R"("]")"}));
}

TEST(JsonText, AnIntegerHasNeitherFractionNorExponent) {
  EXPECT_TRUE(parse_json("-12345678901234567890123")->is_integer());
  EXPECT_FALSE(parse_json("1.0")->is_integer());
  EXPECT_FALSE(parse_json("1e3")->is_integer());
  EXPECT_FALSE(parse_json("true")->is_integer());
}

}  // namespace
}  // namespace lambdapool::supervisor
