#include "supervisor/json/json.h"

#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(ParseJson, AnObjectKeepsTheOrderOfItsMembers) {
  const auto value = parse_json(R"({"b": 1, "a": [true, null, "x"]})");

  ASSERT_TRUE(value);
  EXPECT_EQ(json_text(*value), R"({"b":1,"a":[true,null,"x"]})");
}

TEST(ParseJson, WhatIsNoJsonIsAFailureThatNamesThePlace) {
  EXPECT_EQ(parse_json("{\"a\": }").error(), "is no JSON, from byte 7 on");
  EXPECT_FALSE(parse_json(""));
  EXPECT_FALSE(parse_json("{} {}"));
  EXPECT_FALSE(parse_json("\xff\xfe"));
  EXPECT_FALSE(parse_json("\"\xc3\x28\""));
  EXPECT_FALSE(parse_json("1e999"));
}

TEST(ParseJson, TheLimitOfDepthHasTwoEnds) {
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  EXPECT_EQ(parse_json(nested(kMaxJsonDepth + 1)).error(), "is nested deeper than 32 levels");
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
  EXPECT_TRUE(parse_json("\"" + std::string(100, '[') + "\\\"" + std::string(100, '{') + "\""));
}

TEST(JsonText, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(json_text(Json{{"a", "x\xff"}}), "{\"a\":\"x\xef\xbf\xbd\"}");
}

TEST(JsonMembers, AValueOfAnotherKindIsAsIfItWereNotThere) {
  const Json object = *parse_json(R"({"text": "t", "number": -1.5, "count": 7, "list": [1]})");

  EXPECT_EQ(text_member(object, "text"), "t");
  EXPECT_EQ(text_member(object, "number", "?"), "?");
  EXPECT_EQ(number_member(object, "number"), -1.5);
  EXPECT_EQ(number_member(object, "text", 3), 3);
  EXPECT_EQ(count_member(object, "count"), 7);
  EXPECT_EQ(count_member(object, "number"), std::nullopt);
  EXPECT_EQ(array_member(object, "list").size(), 1);
  EXPECT_TRUE(array_member(object, "text").empty());
  EXPECT_EQ(member(object, "none"), nullptr);
  EXPECT_EQ(member(Json(3), "none"), nullptr);
  EXPECT_FALSE(bool_member(Json::array(), "none"));
}

}  // namespace
}  // namespace lambdapool::supervisor
