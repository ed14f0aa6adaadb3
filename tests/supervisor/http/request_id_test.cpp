#include "supervisor/http/request_id.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <unordered_set>

namespace lambdapool::supervisor {
namespace {

TEST(RequestId, MadeIdsAreValid) {
  RequestIds ids;

  for (int i = 0; i < 1000; ++i) {
    const std::string id = ids.next();
    EXPECT_TRUE(is_request_id(id)) << id;
  }
}

TEST(RequestId, AMadeIdIsTheTimeAndARandomUuid) {
  RequestIds ids;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());

  const std::string id = ids.next();

  EXPECT_EQ(id.size(), 47U);
  EXPECT_LE(std::llabs(std::stoll(id.substr(0, 10)) - now.count()), 5) << id;
  EXPECT_EQ(id[10], ',');
  EXPECT_EQ(id[25], '4') << id;
  EXPECT_NE(std::string("89ab").find(id[30]), std::string::npos) << id;
}

TEST(RequestId, TenThousandIdsAreAllDifferent) {
  RequestIds ids;
  RequestIds others;
  std::unordered_set<std::string> seen;

  for (int i = 0; i < 5000; ++i) {
    seen.insert(ids.next().substr(11));
    seen.insert(others.next().substr(11));
  }

  EXPECT_EQ(seen.size(), 10000U);
}

TEST(RequestId, AnIdOfLunasShapeIsAccepted) {
  EXPECT_TRUE(is_request_id("1700000000,9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0e"));
  EXPECT_TRUE(is_request_id("0000000000,00000000-0000-0000-0000-000000000000"));
  EXPECT_TRUE(is_request_id("9999999999,ffffffff-ffff-ffff-ffff-ffffffffffff"));
}

TEST(RequestId, EverythingElseIsNot) {
  for (const std::string_view text : {"", "1700000000", "9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0e",
                                      "1700000000,9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0",
                                      "1700000000,9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0e0",
                                      "170000000,9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0e",
                                      "17000000000,9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0e",
                                      "1700000000 9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0e",
                                      "170000000a,9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0e",
                                      "1700000000,9D6BD6B3-4C2C-4C05-8EE6-6A3F4B7D3B0E",
                                      "1700000000,9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0g",
                                      "1700000000,9d6bd6b34c2c-4c05-8ee6-6a3f4b7d3b0e-",
                                      "1700000000,9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0\n",
                                      " 1700000000,9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0e",
                                      "1700000000,9d6bd6b3_4c2c_4c05_8ee6_6a3f4b7d3b0e"}) {
    EXPECT_FALSE(is_request_id(text)) << "'" << text << "'";
  }
}

}  // namespace
}  // namespace lambdapool::supervisor
