#include "supervisor/pool/quarantine.h"

#include <gtest/gtest.h>

#include "tests/supervisor/support/answers.h"

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;

class QuarantineTest : public testing::Test {
 protected:
  bool kill(std::string_view path, uv::TimePoint when) {
    return quarantine_.killed(fingerprint_of(*answers_.request(1, path)), "the id", when);
  }
  bool isolated(std::string_view path, uv::TimePoint when) {
    return quarantine_.find(*answers_.request(1, path), when).has_value();
  }

  Answers answers_;
  QuarantineConfig config_{3, 10s};
  Quarantine quarantine_{config_};
  const uv::TimePoint start_ = std::chrono::steady_clock::now();
};

TEST_F(QuarantineTest, ItBeginsWithTheConfiguredDeathAndNotBefore) {
  EXPECT_FALSE(kill("/a", start_));
  EXPECT_FALSE(kill("/a", start_));
  EXPECT_FALSE(isolated("/a", start_));

  EXPECT_TRUE(kill("/a", start_));

  EXPECT_TRUE(isolated("/a", start_));
  EXPECT_FALSE(isolated("/b", start_));
  EXPECT_FALSE(kill("/a", start_));  // It is isolated already.
}

TEST_F(QuarantineTest, TheLastRequestIsNamed) {
  kill("/a", start_);
  quarantine_.killed(fingerprint_of(*answers_.request(1, "/a")), "another", start_);

  ASSERT_EQ(quarantine_.list(start_).size(), 1U);
  EXPECT_EQ(quarantine_.list(start_).front().request_id, "another");
}

TEST_F(QuarantineTest, ItEndsAfterItsTime) {
  for (int i = 0; i < 3; ++i) kill("/a", start_);

  EXPECT_TRUE(isolated("/a", start_ + 10s - 1ms));
  EXPECT_FALSE(isolated("/a", start_ + 10s));
  EXPECT_TRUE(quarantine_.list(start_ + 10s).empty());
}

TEST_F(QuarantineTest, DeathsLongAgoAreForgotten) {
  kill("/a", start_);
  kill("/a", start_);

  EXPECT_FALSE(kill("/a", start_ + 10s));
  EXPECT_EQ(quarantine_.list(start_ + 10s).front().deaths, 1U);
}

TEST_F(QuarantineTest, TheOldestGoesWhenThereAreTooMany) {
  for (int i = 0; i < 3; ++i) kill("/first", start_);
  for (std::size_t i = 0; i < Quarantine::kMost; ++i) kill("/" + std::to_string(i), start_ + 1ms);

  EXPECT_EQ(quarantine_.list(start_ + 1ms).size(), Quarantine::kMost);
  EXPECT_FALSE(isolated("/first", start_ + 1ms));
}

TEST_F(QuarantineTest, ZeroDeathsTurnItOff) {
  Quarantine off({0, 10s});

  EXPECT_FALSE(off.killed(fingerprint_of(*answers_.request(1)), "", start_));
  EXPECT_FALSE(off.find(*answers_.request(1), start_));
  EXPECT_TRUE(off.list(start_).empty());
}

TEST_F(QuarantineTest, ClearingSaysHowManyWereIsolated) {
  for (int i = 0; i < 3; ++i) kill("/a", start_);
  kill("/b", start_);

  EXPECT_EQ(quarantine_.clear(), 1U);
  EXPECT_EQ(quarantine_.clear(), 0U);
  EXPECT_FALSE(isolated("/a", start_));
}

TEST(RequestFingerprint, DiffersByMethodTargetAndBody) {
  Answers answers;
  const auto base = fingerprint_of(*answers.request(1, "/a", "body"));

  EXPECT_EQ(base, fingerprint_of(*answers.request(2, "/a", "body")));
  EXPECT_NE(base, fingerprint_of(*answers.request(1, "/b", "body")));
  EXPECT_NE(base, fingerprint_of(*answers.request(1, "/a", "Body")));
  EXPECT_NE(base, fingerprint_of(*answers.request(1, "/a", "body", "GET")));
  const std::string longest(RequestFingerprint::kMostTarget + 10, 'a');
  EXPECT_NE(fingerprint_of(*answers.request(1, "/" + longest + "x")),
            fingerprint_of(*answers.request(1, "/" + longest + "y")));
}

}  // namespace
}  // namespace lambdapool::supervisor
